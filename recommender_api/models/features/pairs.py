"""What a tree sees of a user and a film, worked out from the history in the request: groups of columns, by name.

    film         how it is rated (shrunk), how often, how much people differ on it, its year
    user         how they rate (shrunk), how often, how much their taste differs from the averages
    taste        the ridge of `regression`, what each block of features adds and their sum
    neighbours   what they thought of films that are rated alike
    labels       a flag for each genre and frequent tag of the film
    text         the film's text vector
    time         what they thought of films at about the time of asking

One function makes the columns in training and in serving. In training a rating is described by the other folds of the
data alone: a mean that has seen its own rating betrays it to a tree that sees the count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from recommender_api.biases import Biases, fit_biases, surprises_of
from recommender_api.data import TrainingData
from recommender_api.models.base import Query
from recommender_api.models.features.films import (
    FilmBlocks,
    centred_vectors,
    film_blocks,
    genre_flags,
    tag_flags,
)
from recommender_api.models.features.neighbours import Neighbours
from recommender_api.models.features.ridge import best_penalty, ridge

GROUPS = ("film", "user", "taste", "neighbours", "labels", "text", "time")
_SPREAD_PRIOR, _USUAL_VARIANCE = 5.0, 0.75
_HOURS = (0.1, 1.0, 24.0, 720.0)


@dataclass(frozen=True, eq=False)
class PairFeatures:
    groups: tuple[str, ...]
    penalty: float  # of the ridge
    avoid: float  # stars below expectation that a film to be avoided counts as
    biases: Biases
    spread: np.ndarray  # (V,) float32, stars
    years: np.ndarray  # (V,) float32, the mean year where unknown
    blocks: FilmBlocks
    neighbours: Neighbours
    flags: np.ndarray  # (V, F) float32: labels and text vectors, as far as their groups are wanted

    @classmethod
    def fit(
        cls,
        data: TrainingData,
        groups: Sequence[str],
        weights: Mapping[str, float],
        *,
        avoid: float = 1.5,
        penalty: float | None = None,
    ) -> Self:
        """`weights` of the blocks of `features.films`; without a penalty the best one is chosen."""
        biases = fit_biases(data)
        blocks = film_blocks(data, weights if "taste" in groups else {})
        nothing = np.zeros((data.n_items, 0), np.float32)
        no_neighbours = Neighbours(nothing.astype(np.int32), nothing)
        labels = [genre_flags(data)[0], tag_flags(data)] if "labels" in groups else []
        text = [centred_vectors(data)] if "text" in groups else []
        dated = data.years > 0
        return cls(
            groups=tuple(groups),
            penalty=best_penalty(data, biases, blocks.matrix) if penalty is None else penalty,
            avoid=avoid,
            biases=biases,
            spread=_spread(data, biases),
            years=np.where(dated, data.years, data.years[dated].mean() if dated.any() else 0).astype(np.float32),
            blocks=blocks,
            neighbours=Neighbours.fit(data, biases) if "neighbours" in groups else no_neighbours,
            flags=np.concatenate([nothing, *labels, *text], axis=1),
        )

    @property
    def names(self) -> list[str]:
        """Of the columns, in order."""
        of_group = {
            "film": ["offset", "log ratings", "spread", "year"],
            "user": ["user's offset", "user's log ratings", "user's spread"],
            "taste": [*(f"taste in {name}" for name in self.blocks.names), "taste"],
            "neighbours": ["films rated alike", "how alike"],
            "time": [*(f"within {hours:g} h" for hours in _HOURS), "ratings that day", "days since the first", "day"],
        }
        named = [name for group in self.groups for name in of_group.get(group, [])]
        return [*named, *(f"flag {column}" for column in range(self.flags.shape[1]))]

    def expected(self, query: Query) -> np.ndarray:
        """(V,) what the parts in stars add up to, for all films: cheap, and near to what a tree makes of them."""
        user, films, surprises = self._history(query)
        return np.asarray(self.biases.films + user + self.blocks.matrix @ self._ridge(films, surprises))

    def columns(self, query: Query, items: np.ndarray, when: np.ndarray | None = None) -> np.ndarray:
        """(N, C) float32 for items (N,), asked about at seconds `when` (N,); None: right after the latest rating."""
        user, films, surprises = self._history(query)
        made: list[np.ndarray] = []  # (N,) each
        for group in self.groups:
            if group == "film":
                known = (self.biases.films, np.log1p(self.biases.counts), self.spread, self.years)
                made += [of_film[items] for of_film in known]
            elif group == "user":
                spread = surprises.std() if len(surprises) else 0.0
                made += [np.full(len(items), value) for value in (user, np.log1p(len(query.items)), spread)]
            elif group == "taste":
                parts = self.blocks.parts(items, self._ridge(films, surprises))
                made += [*parts.T, parts.sum(axis=1)]
            elif group == "neighbours":
                made += [*self.neighbours.estimate(films, surprises, items).T]
            elif group == "time":
                made += [*_around(query.timestamps, surprises[: len(query.items)], when, len(items)).T]
        flags = self.flags[items]
        return np.concatenate([np.stack(made, axis=1), flags], axis=1, dtype=np.float32) if made else flags

    def _history(self, query: Query) -> tuple[float, np.ndarray, np.ndarray]:
        """(the user's offset, films that speak (T + A,), their surprises (T + A,))."""
        user, surprises = surprises_of(self.biases, query.items, query.ratings)
        films = np.concatenate([query.items, query.avoid])
        return user, films, np.concatenate([surprises, np.full(len(query.avoid), -self.avoid)])

    def _ridge(self, films: np.ndarray, surprises: np.ndarray) -> np.ndarray:
        return ridge(self.blocks.matrix[films], surprises, self.penalty)  # (D,)


def _spread(data: TrainingData, biases: Biases) -> np.ndarray:
    surprises = [surprises_of(biases, past.items, past.ratings)[1] for past in data.histories()]
    squares = np.square(np.concatenate(surprises)) if surprises else np.zeros(0)
    sums = np.bincount(data.items, squares, data.n_items)
    return np.sqrt((sums + _SPREAD_PRIOR * _USUAL_VARIANCE) / (biases.counts + _SPREAD_PRIOR)).astype(np.float32)


def _around(timestamps: np.ndarray, surprises: np.ndarray, when: np.ndarray | None, items: int) -> np.ndarray:
    """(N, len(_HOURS) + 3): mean surprise around the time of asking, ratings of that day, days since the first."""
    if when is None:
        when = np.full(items, timestamps.max(initial=0))
    hours = np.abs(when[:, None] - timestamps[None, :]) / 3600.0  # (N, T)
    near = [np.exp(-hours / span) for span in _HOURS]
    moods = [(weights @ surprises) / (weights.sum(axis=1) + 1.0) for weights in near]
    first = np.minimum(when, timestamps.min(initial=np.iinfo(np.int64).max))
    return np.stack([*moods, (hours < 12).sum(axis=1), (when - first) / 86_400.0, when / 86_400.0], axis=1)
