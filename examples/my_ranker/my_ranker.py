"""Films that are liked by the same people: the cosine of their likers, summed over what somebody liked.

A whole ranker: `marquee train my_ranker`, `marquee evaluate my_ranker` and the server find it by the entry point in
pyproject.toml.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.liking import disliked, liked
from recommender_api.models.base import Query
from recommender_api.vocabulary import Vocabulary
from recommender_api.weights import check_rows, read_arrays, read_config, write_arrays, write_config


@dataclass(frozen=True)
class Options:
    """Each is an option of `marquee train my_ranker`: --shrinkage 20."""

    shrinkage: float = 10.0  # likers that a film is given on top, so that rare films are near to nothing


class MyRanker:
    name: ClassVar[str] = "my_ranker"

    def __init__(self, vocabulary: Vocabulary, options: Options, mean_rating: float, near: np.ndarray) -> None:
        self.vocabulary = vocabulary
        self.options = options
        self._mean_rating = mean_rating
        self._near = near  # (V, V) float32

    @classmethod
    def fit(cls, data: TrainingData, options: Options | None = None) -> Self:
        options = options or Options()
        likes = np.zeros((data.n_users, data.n_items), np.float32)  # (U, V)
        for history in data.histories():
            likes[history.user, history.items] = liked(history.ratings, data.global_mean)
        near = likes.T @ likes  # (V, V) people who like both
        lengths = np.sqrt(near.diagonal() + options.shrinkage)
        return cls(data.vocabulary, options, data.global_mean, near / np.outer(lengths, lengths))

    def scores(self, query: Query) -> np.ndarray:
        likes = liked(query.ratings, self._mean_rating) & ~np.isin(query.items, query.avoid)
        dislikes = disliked(query.ratings, self._mean_rating) & ~likes
        pushing = np.concatenate([query.items[dislikes], query.avoid])
        scores = self._near[query.items[likes]].sum(axis=0) - self._near[pushing].sum(axis=0)
        return np.asarray(scores, np.float32)  # (V,)

    def predict(self, query: Query, items: np.ndarray) -> np.ndarray | None:  # noqa: ARG002
        return None  # it only ranks

    def save(self, folder: Path) -> None:
        write_config(folder, self.options, mean_rating=self._mean_rating)
        write_arrays(folder, {"near": self._near})

    @classmethod
    def load(cls, folder: Path, vocabulary: Vocabulary) -> Self:
        options, facts = read_config(folder, Options)
        near = read_arrays(folder, {"near"})["near"]
        check_rows(folder, "the similarities", len(near), len(vocabulary))
        return cls(vocabulary, options, float(facts["mean_rating"]), near)
