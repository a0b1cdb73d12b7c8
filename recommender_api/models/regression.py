"""Regression on what is known of films: a ridge for each user, solved when asked, from the history in the request.

    rating(u, i) = mean + film(i) + user(u) + w_u . x_i        x_i: the film's blocks (`features.films`), (D,)
    w_u = argmin sum over rated films (residual - w . x)^2 + ridge |w|^2      (Hoerl and Kennard 1970)

Nothing is trained per user, so a new rating counts at once, and anybody with a history can be answered. Each block of
features has its own weight; 0 leaves it out, and so does data without it (no vectors, no tags). Ranks by the predicted
rating plus a share of the film's popularity: what people would rate highest is not what they watch next.
Numpy alone in serving.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from recommender_api.biases import Biases, fit_biases, surprises_of
from recommender_api.data import DataError, TrainingData
from recommender_api.liking import disliked, liked
from recommender_api.models.base import Query
from recommender_api.models.features.films import FilmBlocks, film_blocks, genre_flags, read_blocks
from recommender_api.models.features.ridge import best_penalty, ridge
from recommender_api.vocabulary import Vocabulary
from recommender_api.weights import read_config, read_film_arrays, write_arrays, write_config

LOWEST, HIGHEST = 0.5, 5.0  # a prediction stays within the scale of the ratings
_ARRAYS = {"blocks": 2, "offsets": 1, "counts": 1}  # dimensions


@dataclass(frozen=True)
class Options:
    genres: float = 0.2  # weights of the blocks of features; 0 leaves one out
    tags: float = 0.1
    text: float = 0.1
    years: float = 0.1
    counts: float = 0.15
    audience: float = 0.1
    ridge: float = 0.0  # penalty; 0: chosen when fitted, by leaving out one rating at a time
    popularity: float = 0.5  # stars that a film gains in the ranking for e times as many ratings
    avoid: float = 1.5  # stars below expectation that a film to be avoided counts as

    def __post_init__(self) -> None:
        if min(self.weights.values()) < 0 or self.ridge < 0:
            raise ValueError("weights and ridge are 0 or more")

    @property
    def weights(self) -> dict[str, float]:
        """By name of the block in `features.films`."""
        return {name: getattr(self, name) for name in ("genres", "tags", "text", "years", "counts", "audience")}


class Regression:
    name: ClassVar[str] = "regression"

    def __init__(
        self,
        vocabulary: Vocabulary,
        options: Options,
        biases: Biases,
        blocks: FilmBlocks,
        penalty: float,
        ignored_genres: int = 0,
    ) -> None:
        self.vocabulary = vocabulary
        self.options = options
        self.ignored_genres = ignored_genres  # of films without a rating in the training data, seen nowhere else
        self._biases = biases
        self._blocks = blocks
        self._penalty = penalty
        self._prior = options.popularity * np.log1p(biases.counts)  # (V,) stars

    @classmethod
    def fit(cls, data: TrainingData, options: Options | None = None) -> Self:
        """Raises DataError for data without a rating."""
        if not len(data):
            raise DataError("There is no rating to learn from; load a data set first.")
        options = options or Options()
        biases, blocks = fit_biases(data), film_blocks(data, options.weights)
        penalty = options.ridge or best_penalty(data, biases, blocks.matrix)
        return cls(data.vocabulary, options, biases, blocks, penalty, genre_flags(data)[1])

    def scores(self, query: Query) -> np.ndarray:
        mean = self._biases.mean
        low = disliked(query.ratings, mean) & ~liked(query.ratings, mean)
        user, surprises = surprises_of(self._biases, query.items, query.ratings)
        # A film that was disliked never pulls, however low it was expected to be.
        surprises = np.where(low, np.minimum(surprises, 0.0), surprises)
        films = np.concatenate([query.items, query.avoid])
        targets = np.concatenate([surprises, np.full(len(query.avoid), -self.options.avoid)])
        taste = self._blocks.matrix @ ridge(self._blocks.matrix[films], targets, self._penalty)
        return np.asarray(mean + self._biases.films + user + taste + self._prior, np.float32)  # (V,)

    def predict(self, query: Query, items: np.ndarray) -> np.ndarray:
        user, surprises = surprises_of(self._biases, query.items, query.ratings)
        weights = ridge(self._blocks.matrix[query.items], surprises, self._penalty)
        ratings = self._biases.mean + self._biases.films[items] + user + self._blocks.matrix[items] @ weights
        return np.asarray(np.clip(ratings, LOWEST, HIGHEST), np.float32)  # (N,)

    def save(self, folder: Path) -> None:
        blocks = self._blocks
        write_config(
            folder,
            self.options,
            mean_rating=self._biases.mean,
            blocks=blocks.layout,
            penalty=self._penalty,
            ignored_genres=self.ignored_genres,
        )
        arrays = {"blocks": blocks.matrix, "offsets": self._biases.films, "counts": self._biases.counts}
        write_arrays(folder, arrays)

    @classmethod
    def load(cls, folder: Path, vocabulary: Vocabulary) -> Self:
        options, facts = read_config(folder, Options)
        arrays = read_film_arrays(folder, _ARRAYS, len(vocabulary))
        biases = Biases(float(facts["mean_rating"]), arrays["offsets"], arrays["counts"])
        blocks = read_blocks(folder, facts, arrays["blocks"])
        return cls(vocabulary, options, biases, blocks, float(facts["penalty"]), facts["ignored_genres"])
