"""Regression on text embeddings: a ridge for each user, solved when asked, from the history in the request.

    rating(u, i) = mean + film(i) + user(u) + w_u . x_i        x_i: the film's centred text vector, (D,)
    w_u = argmin sum over rated films (residual - w . x)^2 + ridge |w|^2      (Hoerl and Kennard 1970)

Nothing is trained per user, so a new rating counts at once, and anybody with a history can be answered. A film
without a vector is predicted by its biases alone, and pulls on no other. Ranks by the predicted rating plus a share
of the film's popularity: what people would rate highest is not what they watch next.
Numpy alone, in fitting and serving.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from recommender_api.biases import Biases, fit_biases, user_offset
from recommender_api.data import DataError, TrainingData
from recommender_api.liking import disliked, liked
from recommender_api.models.base import Query
from recommender_api.vocabulary import Vocabulary
from recommender_api.weights import (
    ModelFileError,
    check_rows,
    place,
    read_arrays,
    read_config,
    write_arrays,
    write_config,
)

LOWEST, HIGHEST = 0.5, 5.0  # a prediction stays within the scale of the ratings
_ARRAYS = {"vectors", "offsets", "counts"}


@dataclass(frozen=True)
class Options:
    ridge: float = 2.0  # for vectors of length 1
    popularity: float = 0.5  # stars that a film gains in the ranking for e times as many ratings
    avoid: float = 1.5  # stars below expectation that a film to be avoided counts as


class Regression:
    name: ClassVar[str] = "regression"
    needs_vectors: ClassVar[bool] = True

    def __init__(self, vocabulary: Vocabulary, options: Options, biases: Biases, vectors: np.ndarray) -> None:
        self.vocabulary = vocabulary
        self.options = options
        self._biases = biases
        self._vectors = vectors  # (V, D) float32, centred; zeros for a film without a vector
        self._prior = options.popularity * np.log1p(biases.counts)  # (V,) stars

    @classmethod
    def fit(cls, data: TrainingData, options: Options | None = None) -> Self:
        """Raises DataError for data without vectors."""
        if data.vectors is None:
            raise DataError("The data has no text vectors, which regression learns on; run `marquee embed` and export.")
        return cls(data.vocabulary, options or Options(), fit_biases(data), centred_vectors(data))

    def scores(self, query: Query) -> np.ndarray:
        ratings = self._ratings(query, self._vectors, self._biases.films)
        return np.asarray(ratings + self._prior, np.float32)  # (V,)

    def predict(self, query: Query, items: np.ndarray) -> np.ndarray:
        ratings = self._ratings(query, self._vectors[items], self._biases.films[items])
        return np.asarray(np.clip(ratings, LOWEST, HIGHEST), np.float32)  # (N,)

    def _ratings(self, query: Query, vectors: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """(N,) for films with these vectors (N, D) and offsets (N,)."""
        mean = self._biases.mean
        residuals = query.ratings - (mean + self._biases.films[query.items])  # (T,)
        user = user_offset(residuals)
        targets = self._one_sided(residuals - user, query.ratings)
        films = np.concatenate([query.items, query.avoid])
        targets = np.concatenate([targets, np.full(len(query.avoid), -self.options.avoid)])
        weights = ridge(self._vectors[films], targets, self.options.ridge)
        return np.asarray(mean + offsets + user + vectors @ weights)

    def _one_sided(self, targets: np.ndarray, ratings: np.ndarray) -> np.ndarray:
        """A film that was disliked never pulls, however low it was expected to be."""
        low = disliked(ratings, self._biases.mean) & ~liked(ratings, self._biases.mean)
        return np.where(low, np.minimum(targets, 0.0), targets)

    def save(self, folder: Path) -> None:
        write_config(folder, self.options, mean_rating=self._biases.mean)
        arrays = {"vectors": self._vectors, "offsets": self._biases.films, "counts": self._biases.counts}
        write_arrays(folder, arrays)

    @classmethod
    def load(cls, folder: Path, vocabulary: Vocabulary) -> Self:
        options, facts = read_config(folder, Options)
        arrays = read_arrays(folder, _ARRAYS)
        for name, array in arrays.items():
            check_rows(folder, name, len(array), len(vocabulary))
            if array.ndim != (2 if name == "vectors" else 1) or not np.isfinite(array).all():
                raise ModelFileError(f"{place(folder)}: {name} have the wrong shape or are not finite; train again.")
        biases = Biases(float(facts["mean_rating"]), arrays["offsets"], arrays["counts"])
        return cls(vocabulary, options, biases, arrays["vectors"])


def centred_vectors(data: TrainingData) -> np.ndarray:
    """(V, D) float32 less their mean, so that being a film at all is no likeness; zeros where a film has none."""
    assert data.vectors is not None
    assert data.has_vector is not None
    known = data.has_vector
    centre = data.vectors[known].mean(axis=0) if known.any() else 0.0
    return np.where(known[:, None], data.vectors - centre, 0.0).astype(np.float32)


def ridge(vectors: np.ndarray, targets: np.ndarray, penalty: float) -> np.ndarray:
    """w (D,) for films (T, D) and targets (T,), through whichever of the two normal equations is smaller."""
    x = vectors.astype(np.float64)
    films, dimension = x.shape
    if films <= dimension:
        solved = x.T @ np.linalg.solve(x @ x.T + penalty * np.eye(films), targets)
    else:
        solved = np.linalg.solve(x.T @ x + penalty * np.eye(dimension), x.T @ targets)
    return np.asarray(solved, np.float32)
