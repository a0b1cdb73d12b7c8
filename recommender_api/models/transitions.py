"""What follows what: directed co-occurrence with decay, the count model that neural ones have to beat.

    D[a, b] = sum over users and lags d = 1..10 of 1/d where the user liked b as the d-th film after a
    P[a, b] = D[a, b] / ((D[a, :].sum() + 5)^0.7 (D[:, b].sum() + 5)^0.3), the 300 best b of each a
    score(u, b) = sum over the films s of u's history of weight(s) exp(-age(s)/3) P[s, b]

`weight` is 1 for a film that was liked and negative for one that was disliked: a low rating pushes its followers away.
Ages count films of the same kind, the latest has age 0. A trace of popularity orders what no count reaches, and
answers an empty history. The idea is that of Markov-chain recommenders (Rendle et al. 2010), with counts in place
of factors. Only ranks: it says nothing about ratings. Fitted with scipy, served with numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.liking import SLACK, disliked, liked
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

_TRACE = 1e-6  # of popularity: below every count, above nothing


@dataclass(frozen=True)
class Options:
    lags: int = 10  # how many films later still counts as following
    row_exponent: float = 0.7  # damps films that are followed by much
    column_exponent: float = 0.3  # damps films that follow everything
    smoothing: float = 5.0
    decay: float = 3.0  # films after which a film of the history counts e times less
    dislike: float = 0.1  # how strongly a film that was not liked pushes its followers away
    followers: int = 300  # kept per film: the model's size is V times this
    longest: int = 100  # latest films of a history that are looked at
    liked_slack: float = SLACK  # stars below the user's own mean that still count as liked


class Transitions:
    name: ClassVar[str] = "transitions"

    def __init__(
        self,
        vocabulary: Vocabulary,
        options: Options,
        mean_rating: float,
        starts: np.ndarray,
        followers: np.ndarray,
        weights: np.ndarray,
        popularity: np.ndarray,
    ) -> None:
        self.vocabulary = vocabulary
        self.options = options
        self._mean_rating = mean_rating
        self._starts = starts  # (V + 1,) int64: the followers of film a are entries starts[a] to starts[a + 1]
        self._followers = followers  # (E,) int32 rows
        self._weights = weights  # (E,) float32, P[a, followers]
        self._popularity = popularity  # (V,) float32, share of all liked ratings

    @classmethod
    def fit(cls, data: TrainingData, options: Options | None = None) -> Self:
        options = options or Options()
        mask = liked_ratings(data, options.liked_slack)
        users, items = data.users[mask], data.items[mask]
        counts = count_transitions(users, items, data.n_items, options.lags)
        starts, followers, weights = _strongest(_normalise(counts, options), options.followers)
        popularity = np.bincount(items, minlength=data.n_items) / max(1, len(items))
        return cls(
            data.vocabulary, options, data.global_mean, starts, followers, weights, popularity.astype(np.float32)
        )

    def scores(self, query: Query) -> np.ndarray:
        options = self.options
        likes = liked(query.ratings, self._mean_rating, options.liked_slack) & ~np.isin(query.items, query.avoid)
        dislikes = disliked(query.ratings, self._mean_rating) & ~likes
        pull, push = query.items[likes][-options.longest :], query.items[dislikes][-options.longest :]
        strength = np.concatenate(
            [
                _decay(len(pull), options.decay),
                -options.dislike * _decay(len(push), options.decay),
                np.full(len(query.avoid), -options.dislike),
            ]
        )
        return self._spread(np.concatenate([pull, push, query.avoid]), strength)

    def _spread(self, films: np.ndarray, strength: np.ndarray) -> np.ndarray:
        """(V,) float32: each film's strength, handed on to its followers; and the trace of popularity."""
        lengths = self._starts[films + 1] - self._starts[films]
        # Entries of all films in one index: within each run, count up from the run's start.
        entries = np.arange(lengths.sum()) + np.repeat(self._starts[films] - np.cumsum(lengths) + lengths, lengths)
        values = self._weights[entries] * np.repeat(strength, lengths)
        total = np.bincount(self._followers[entries], values, minlength=len(self.vocabulary))
        return (total + _TRACE * self._popularity).astype(np.float32)  # (V,)

    def predict(self, query: Query, items: np.ndarray) -> np.ndarray | None:  # noqa: ARG002
        return None

    def save(self, folder: Path) -> None:
        write_config(folder, self.options, mean_rating=self._mean_rating)
        write_arrays(
            folder,
            {
                "starts": self._starts,
                "followers": self._followers,
                "weights": self._weights,
                "popularity": self._popularity,
            },
        )

    @classmethod
    def load(cls, folder: Path, vocabulary: Vocabulary) -> Self:
        options, facts = read_config(folder, Options)
        arrays = read_arrays(folder, {"starts", "followers", "weights", "popularity"})
        starts, followers, weights = arrays["starts"], arrays["followers"], arrays["weights"]
        check_rows(folder, "the counts", len(starts) - 1, len(vocabulary))
        check_rows(folder, "the popularities", len(arrays["popularity"]), len(vocabulary))
        if not (
            starts[0] == 0
            and (np.diff(starts) >= 0).all()
            and starts[-1] == len(followers) == len(weights)
            and (not len(followers) or 0 <= followers.min() <= followers.max() < len(vocabulary))
            and np.isfinite(weights).all()
        ):
            raise ModelFileError(f"{place(folder)}: the table of followers is inconsistent; train the model again.")
        return cls(vocabulary, options, float(facts["mean_rating"]), starts, followers, weights, arrays["popularity"])


def _decay(length: int, scale: float) -> np.ndarray:
    """(T,) weights of films from the oldest to the latest, which has 1."""
    return np.exp(-np.arange(length)[::-1] / scale)


def liked_ratings(data: TrainingData, slack: float) -> np.ndarray:
    """(N,) bool: which ratings speak for their film, by each user's own cut."""
    parts = [liked(history.ratings, data.global_mean, slack) for history in data.histories()]
    return np.concatenate(parts) if parts else np.zeros(0, bool)


def count_transitions(users: np.ndarray, items: np.ndarray, n_items: int, lags: int) -> csr_array:
    """(V, V) sparse D: 1/lag for every pair of a user's films that are at most `lags` apart, the earlier film first.

    `users` (N,) is sorted, `items` (N,) in each user's order.
    """
    from scipy.sparse import coo_array, csr_array

    counts = csr_array((n_items, n_items), dtype=np.float32)
    for lag in range(1, lags + 1):
        same = users[lag:] == users[:-lag]
        before, after = items[:-lag][same], items[lag:][same]
        value = np.full(len(before), 1 / lag, np.float32)
        counts += coo_array((value, (before, after)), shape=(n_items, n_items)).tocsr()
    return counts


def _normalise(counts: csr_array, options: Options) -> csr_array:
    rows = (counts.sum(axis=1) + options.smoothing) ** -options.row_exponent
    columns = (counts.sum(axis=0) + options.smoothing) ** -options.column_exponent
    lengths = np.diff(counts.indptr)
    weights = counts.data * np.repeat(rows, lengths) * columns[counts.indices]
    return type(counts)((weights.astype(np.float32), counts.indices, counts.indptr), shape=counts.shape)


def _strongest(table: csr_array, keep: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The `keep` largest entries of each row as (starts, columns, values); columns ascend within a row."""
    table.sort_indices()
    kept = []
    for start, end in zip(table.indptr[:-1], table.indptr[1:], strict=True):
        if end - start <= keep:
            kept.append(np.arange(start, end))
        else:
            order = np.argsort(-table.data[start:end], kind="stable")[:keep]  # stable: ties go to the lower id
            kept.append(start + np.sort(order))
    entries = np.concatenate(kept) if kept else np.zeros(0, np.int64)
    starts = np.concatenate([[0], np.cumsum([len(part) for part in kept])]).astype(np.int64)
    return starts, table.indices[entries].astype(np.int32), table.data[entries]
