"""A table of films that speak for films, and the rankers that are nothing but one: `transitions`, `item_knn`, `ease`.

    score(u, b) = sum over the films s of u's history of strength(s) W[s, b]

W is sparse: each film keeps its strongest followers only, so that the size is V times a number. `strength` is 1 for a
film that was liked, less the older it is where a model says so, and negative for one that was disliked: a low rating
pushes those that its film speaks for. A trace of popularity orders what no entry reaches, and answers an empty history.
Served with numpy alone; each ranker fits its W in a file of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

from recommender_api.data import TrainingData
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

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_TRACE = 1e-6  # of popularity: below every entry, above nothing


@dataclass(frozen=True, eq=False)
class ItemTable:
    """W as runs of entries, one run a film."""

    starts: np.ndarray  # (V + 1,) int64: the followers of film a are entries starts[a] to starts[a + 1]
    followers: np.ndarray  # (E,) int32 rows
    weights: np.ndarray  # (E,) float32, W[a, followers]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @classmethod
    def strongest(cls, table: csr_array, keep: int) -> Self:
        """The `keep` entries of each row that are farthest from 0."""
        table.sort_indices()
        kept = []
        for start, end in zip(table.indptr[:-1], table.indptr[1:], strict=True):
            if end - start <= keep:
                kept.append(np.arange(start, end))
            else:
                order = np.argsort(-np.abs(table.data[start:end]), kind="stable")[:keep]  # ties go to the lower id
                kept.append(start + np.sort(order))
        entries = np.concatenate(kept) if kept else np.zeros(0, np.int64)
        starts = np.concatenate([[0], np.cumsum([len(part) for part in kept])]).astype(np.int64)
        return cls(starts, table.indices[entries].astype(np.int32), table.data[entries].astype(np.float32))

    def spread(self, films: np.ndarray, strength: np.ndarray) -> np.ndarray:
        """(V,) float64: the strength (T,) of each film (T,), handed on to its followers.

        A negative strength only pushes: it is not handed on along negative weights, where it would lift.
        """
        lengths = self.starts[films + 1] - self.starts[films]
        # Entries of all films in one index: within each run, count up from the run's start.
        entries = np.arange(lengths.sum()) + np.repeat(self.starts[films] - np.cumsum(lengths) + lengths, lengths)
        weights, strengths = self.weights[entries], np.repeat(strength, lengths)
        values = np.where(strengths < 0, np.maximum(weights, 0.0), weights) * strengths
        return np.bincount(self.followers[entries], values, minlength=len(self))

    def is_sound(self) -> bool:
        """Whether every entry leads to a film."""
        starts, followers, weights = self.starts, self.followers, self.weights
        return bool(
            starts[0] == 0
            and (np.diff(starts) >= 0).all()
            and starts[-1] == len(followers) == len(weights)
            and (not len(followers) or 0 <= followers.min() <= followers.max() < len(self))
            and np.isfinite(weights).all()
        )


class TableOptions(Protocol):
    """What the options of such a ranker say about reading a history."""

    @property
    def liked_slack(self) -> float: ...  # stars below the user's own mean that still count as liked
    @property
    def dislike(self) -> float: ...  # how strongly a film that was not liked pushes
    @property
    def longest(self) -> int: ...  # latest films of a history that are looked at
    @property
    def decay(self) -> float: ...  # films after which a film of the history counts e times less; 0: never


class TableRanker:
    """A subclass has a `name`, its `Options`, and a `fit` that makes the table."""

    name: ClassVar[str]
    options_type: ClassVar[type[Any]]

    def __init__(
        self,
        vocabulary: Vocabulary,
        options: TableOptions,
        mean_rating: float,
        table: ItemTable,
        popularity: np.ndarray,
    ) -> None:
        self.vocabulary = vocabulary
        self.options = options
        self.table = table
        self._mean_rating = mean_rating
        self._popularity = popularity  # (V,) float32, share of all liked ratings

    def scores(self, query: Query) -> np.ndarray:
        films, strength = self._strengths(query)
        return (self.table.spread(films, strength) + _TRACE * self._popularity).astype(np.float32)  # (V,)

    def _strengths(self, query: Query) -> tuple[np.ndarray, np.ndarray]:
        """The films (T,) that speak, and how strongly (T,). Ages count films of the same kind; the latest has age 0."""
        options = self.options
        likes = liked(query.ratings, self._mean_rating, options.liked_slack) & ~np.isin(query.items, query.avoid)
        dislikes = disliked(query.ratings, self._mean_rating) & ~likes
        pull, push = query.items[likes][-options.longest :], query.items[dislikes][-options.longest :]
        strength = [
            _decay(len(pull), options.decay),
            -options.dislike * _decay(len(push), options.decay),
            np.full(len(query.avoid), -options.dislike),
        ]
        return np.concatenate([pull, push, query.avoid]), np.concatenate(strength)

    def predict(self, query: Query, items: np.ndarray) -> np.ndarray | None:  # noqa: ARG002
        return None

    def save(self, folder: Path) -> None:
        write_config(folder, self.options, mean_rating=self._mean_rating)
        table = self.table
        write_arrays(
            folder,
            {
                "starts": table.starts,
                "followers": table.followers,
                "weights": table.weights,
                "popularity": self._popularity,
            },
        )

    @classmethod
    def load(cls, folder: Path, vocabulary: Vocabulary) -> Self:
        options, facts = read_config(folder, cls.options_type)
        arrays = read_arrays(folder, {"starts", "followers", "weights", "popularity"})
        table = ItemTable(arrays["starts"], arrays["followers"], arrays["weights"])
        check_rows(folder, "the table", len(table), len(vocabulary))
        check_rows(folder, "the popularities", len(arrays["popularity"]), len(vocabulary))
        if not table.is_sound():
            raise ModelFileError(f"{place(folder)}: the table of followers is inconsistent; train the model again.")
        return cls(vocabulary, options, float(facts["mean_rating"]), table, arrays["popularity"])


def _decay(length: int, scale: float) -> np.ndarray:
    """(T,) weights of films from the oldest to the latest, which has 1; with a scale of 0 all have 1."""
    return np.exp(-np.arange(length)[::-1] / scale) if scale else np.ones(length)


def liked_ratings(data: TrainingData, slack: float) -> np.ndarray:
    """(N,) bool: which ratings speak for their film, by each user's own cut."""
    parts = [liked(history.ratings, data.global_mean, slack) for history in data.histories()]
    return np.concatenate(parts) if parts else np.zeros(0, bool)


def popularity(items: np.ndarray, n_items: int) -> np.ndarray:
    """(V,) float32: each film's share of these ratings (N,)."""
    return (np.bincount(items, minlength=n_items) / max(1, len(items))).astype(np.float32)


def liked_matrix(users: np.ndarray, items: np.ndarray, n_users: int, n_items: int) -> csr_array:
    """(U, V) sparse float32: 1 where a user liked a film, from the pairs (N,), (N,)."""
    from scipy.sparse import coo_array

    ones = np.ones(len(items), np.float32)
    matrix = coo_array((ones, (users, items)), shape=(n_users, n_items)).tocsr()
    matrix.data[:] = 1.0  # a film rated twice counts once
    return matrix
