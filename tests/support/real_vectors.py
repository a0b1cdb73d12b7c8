"""MovieLens latest-small with real vectors: the data on which the stores are compared, and benchmarks run.

The vectors (all-MiniLM-L6-v2 as a package) are made once per machine and kept in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock
from platformdirs import user_cache_path

from embedding_generator.encoders import load_encoder
from indexer.datasets import Dataset, DatasetSettings, find_dataset, open_dataset
from indexer.text import TEXT_RECIPE, movie_text, text_hash
from indexer.types import Movie, MovieVector, VectorSpace

MODEL = "all-MiniLM-L6-v2"
SPACE = VectorSpace(MODEL, 384, TEXT_RECIPE)
_BESIDE = Path(__file__).parents[3] / "shared" / "datasets"  # where a copy of the data sets may lie


def latest_small() -> Dataset:
    """The data set: from $MARQUEE_DATASETS, beside the repository, the cache, or a download. Raises DatasetError."""
    place = _BESIDE if "MARQUEE_DATASETS" not in os.environ and _BESIDE.is_dir() else None
    settings = DatasetSettings() if place is None else DatasetSettings(datasets=place)
    return open_dataset(find_dataset("ml-latest-small", settings, or_demo=False).path)


def vectors(movies: Sequence[Movie]) -> list[MovieVector]:
    """A vector (384,) for each film."""
    matrix = _matrix([movie_text(movie) for movie in movies])
    return [MovieVector(movie.id, row, text_hash(movie)) for movie, row in zip(movies, matrix, strict=True)]


def _matrix(texts: Sequence[str]) -> np.ndarray:
    """(N, 384) float32, rows of length 1."""
    folder = user_cache_path("marquee", appauthor=False) / "test-vectors"
    folder.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256("\n".join((MODEL, *texts)).encode()).hexdigest()[:16]
    path = folder / f"{key}.npy"
    with FileLock(f"{path}.lock"):
        if not path.exists():
            made = load_encoder(MODEL, None, folder, device="cpu").encode(texts).vectors
            partial = path.with_suffix(".partial.npy")
            np.save(partial, made / np.linalg.norm(made, axis=1, keepdims=True))
            partial.rename(path)
    matrix: np.ndarray = np.load(path)
    return matrix
