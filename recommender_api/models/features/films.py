"""What is known of films without any user, as blocks of columns on which a user's taste can be linear.

    genres, tags    words that the film has
    text            its text vector
    years, counts   soft steps along its year, and along how often it was rated: what somebody seeks out
    audience        who rated it, whatever they thought: right singular vectors of the matrix of who rated what

Within a block each film has length 1, or 0 where nothing is known of it. The mean of all ratings is taken away, so that
being a film at all is no likeness, and the block is multiplied by the root of its weight, so that one ridge over all
blocks shrinks each by its own measure. A block without data or weight is absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.models.features.labels import Labels, Words
from recommender_api.weights import ModelFileError, place

_YEARS, _YEAR_WIDTH = np.arange(1900, 2041, 5.0), 6.0
_COUNTS, _COUNT_WIDTH = np.arange(0, 12.1, 0.75), 1.4  # of log(1 + ratings)
_MOST_TAGS, _LEAST_FILMS = 256, 3  # words in the block of tags, and films that a word must have
_AUDIENCE = 32  # singular vectors


@dataclass(frozen=True, eq=False)
class FilmBlocks:
    names: tuple[str, ...]  # of the blocks
    widths: tuple[int, ...]
    matrix: np.ndarray  # (V, D) float32, the blocks side by side

    @property
    def layout(self) -> dict[str, int]:
        """The width of each block, for config.json."""
        return dict(zip(self.names, self.widths, strict=True))

    def parts(self, films: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """(N, blocks) float32: what each block adds to matrix[films] @ weights (D,)."""
        ends = np.cumsum(self.widths)
        found = np.empty((len(films), len(self.names)), np.float32)
        for column, (end, width) in enumerate(zip(ends, self.widths, strict=True)):
            found[:, column] = self.matrix[films, end - width : end] @ weights[end - width : end]
        return found


def film_blocks(data: TrainingData, weights: Mapping[str, float]) -> FilmBlocks:
    """`weights` by name of block; those above 0 are made, in that order."""
    counts = rating_counts(data)
    blocks = {name: _BLOCKS[name](data) for name, weight in weights.items() if weight > 0}
    made = {name: np.sqrt(weights[name]) * _centred(block, counts) for name, block in blocks.items() if block.any()}
    matrix = np.concatenate([np.zeros((data.n_items, 0)), *made.values()], axis=1).astype(np.float32)
    return FilmBlocks(tuple(made), tuple(block.shape[1] for block in made.values()), matrix)


def read_blocks(folder: Path, facts: Mapping[str, Any], matrix: np.ndarray) -> FilmBlocks:
    """From what `layout` and `matrix` were written as. Raises ModelFileError where they do not belong together."""
    layout = facts.get("blocks")
    if not isinstance(layout, dict) or sum(layout.values()) != matrix.shape[1]:
        raise ModelFileError(f"{place(folder)}: blocks {layout} are not {matrix.shape[1]} columns; train again.")
    return FilmBlocks(tuple(layout), tuple(layout.values()), matrix)


def genre_flags(data: TrainingData) -> tuple[np.ndarray, int]:
    """((V, G) float32, how many genres of films are ignored, since no film with a rating has them)."""
    return _flags(data.genres, Labels.fit(_rated(data, data.genres)))


def tag_flags(data: TrainingData) -> np.ndarray:
    """(V, G) float32. Tags and keywords are one language; a rare word is no column."""
    kinds = [data.labels[kind] for kind in ("tags", "keywords") if kind in data.labels]
    films = [tuple(word for words in of_film for word in words) for of_film in zip(*kinds, strict=True)]
    films = films or [()] * data.n_items
    return _flags(films, Labels.fit(_rated(data, films), least=_LEAST_FILMS, most=_MOST_TAGS))[0]


def centred_vectors(data: TrainingData) -> np.ndarray:
    """(V, D) float32; zeros where a film has none, D = 0 where no film has one."""
    if data.vectors is None or data.has_vector is None or not data.has_vector.any():
        return np.zeros((data.n_items, 0), np.float32)
    centre = data.vectors[data.has_vector].mean(axis=0)
    return np.where(data.has_vector[:, None], data.vectors - centre, 0.0).astype(np.float32)


def rating_counts(data: TrainingData) -> np.ndarray:
    """(V,) float64."""
    return np.bincount(data.items, minlength=data.n_items).astype(np.float64)


def _years(data: TrainingData) -> np.ndarray:
    steps = np.exp(-(((data.years[:, None] - _YEARS) / _YEAR_WIDTH) ** 2))
    return np.asarray(np.where(data.years[:, None] > 0, steps, 0.0))


def _counts(data: TrainingData) -> np.ndarray:
    logs = np.log1p(rating_counts(data))[:, None]
    return np.asarray(np.exp(-(((logs - _COUNTS) / _COUNT_WIDTH) ** 2)))


def _audience(data: TrainingData) -> np.ndarray:
    """Somebody who rated everything says less of each film: rows are divided by the root of their length."""
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import svds

    rank = min(_AUDIENCE, data.n_users - 1, data.n_items - 1)
    if rank < 1 or not len(data):
        return np.zeros((data.n_items, 0))
    per_user = np.maximum(np.bincount(data.users, minlength=data.n_users), 1)
    values = 1 / np.sqrt(per_user[data.users])
    rated = csr_array((values, (data.users, data.items)), shape=(data.n_users, data.n_items))
    _, strengths, films = svds(rated, rank, v0=np.ones(min(rated.shape)))  # a fixed start: the same vectors each time
    return np.asarray(films.T * strengths)  # (V, rank)


_BLOCKS: dict[str, Callable[[TrainingData], np.ndarray]] = {
    "genres": lambda data: genre_flags(data)[0],
    "tags": tag_flags,
    "text": centred_vectors,
    "years": _years,
    "counts": _counts,
    "audience": _audience,
}


def _rated(data: TrainingData, films: Sequence[Words]) -> list[Words]:
    return [films[film] for film in np.flatnonzero(rating_counts(data)).tolist()]


def _flags(films: Sequence[Words], labels: Labels) -> tuple[np.ndarray, int]:
    matrix, ignored = labels.encode(films)
    return matrix.toarray(), ignored


def _centred(block: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Rows of length 1, then less the mean row over all ratings; a row of zeros stays one."""
    lengths = np.linalg.norm(block, axis=1, keepdims=True)
    unit = block / np.where(lengths > 0, lengths, 1.0)
    known = lengths[:, 0] > 0
    weights = np.where(known, counts, 0.0)
    centre = weights @ unit / max(weights.sum(), 1.0)
    return np.asarray(np.where(known[:, None], unit - centre, 0.0))
