"""Text vectors for data that comes from a file: the films' titles and genres, embedded as the store's films are."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np

from indexer.text import movie_text
from indexer.types import Movie
from marquee.wiring import read_settings
from recommender_api.data import TrainingData
from service_kit.errors import InvalidRequest
from service_kit.progress import Progress

BATCH = 256


def with_vectors(data: TrainingData, progress: Progress) -> TrainingData:
    """The data with a vector for every film that has a title. Raises InvalidRequest where no film has one."""
    from embedding_generator.lazy import load_engine
    from embedding_generator.settings import EmbeddingSettings

    rows = np.array([row for row, title in enumerate(data.titles) if title], np.int64)
    if not len(rows):
        raise InvalidRequest("The data has no titles to embed; put movies.dat or movies.csv beside its file.")
    texts = [movie_text(Movie(data.vocabulary.ids[row], data.titles[row], data.genres[row])) for row in rows]
    with progress.task("loading the embedding model"):
        engine = load_engine(read_settings(EmbeddingSettings))
    found = []
    with closing(engine), progress.task("embedding titles and genres", total=len(texts)) as advance:
        for at in range(0, len(texts), BATCH):
            embedded = engine.embed(texts[at : at + BATCH], bulk=True)
            found.append(embedded.vectors)
            advance(len(embedded.vectors))
    vectors = np.zeros((data.n_items, found[0].shape[1]), np.float32)
    vectors[rows] = np.concatenate(found)
    has_vector = np.zeros(data.n_items, bool)
    has_vector[rows] = True
    return replace(data, vectors=vectors, has_vector=has_vector, vector_space=embedded.model)
