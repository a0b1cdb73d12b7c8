"""What follows what: directed co-occurrence with decay, the count model that neural ones have to beat.

    D[a, b] = sum over users and lags d = 1..10 of 1/d where the user liked b as the d-th film after a
    W[a, b] = D[a, b] / ((D[a, :].sum() + 5)^0.7 (D[:, b].sum() + 5)^0.3), the 300 best b of each a

How a history is scored with W is in `item_table`: here a film counts exp(-age/3). The idea is that of Markov-chain
recommenders (Rendle et al. 2010), with counts in place of factors. Only ranks: it says nothing about ratings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.liking import SLACK
from recommender_api.models.item_table import ItemTable, TableRanker, liked_ratings, popularity

if TYPE_CHECKING:
    from scipy.sparse import csr_array


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


class Transitions(TableRanker):
    name: ClassVar[str] = "transitions"
    options_type: ClassVar[type[Any]] = Options

    @classmethod
    def fit(cls, data: TrainingData, options: Options | None = None) -> Self:
        options = options or Options()
        mask = liked_ratings(data, options.liked_slack)
        users, items = data.users[mask], data.items[mask]
        counts = count_transitions(users, items, data.n_items, options.lags)
        table = ItemTable.strongest(_normalise(counts, options), options.followers)
        return cls(data.vocabulary, options, data.global_mean, table, popularity(items, data.n_items))


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
