"""Item-based nearest neighbours by cosine (Sarwar et al. 2001): who liked this also liked that. A baseline.

    W[a, b] = users who liked both / sqrt(users who liked a times users who liked b), for the 20 best a of each b

So a film is scored by those of its own nearest films that the user liked. Blind to order, and every film of a history
counts the same. How a history is scored with W is in `item_table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.liking import SLACK
from recommender_api.models.item_table import ItemTable, TableRanker, liked_matrix, liked_ratings, popularity


@dataclass(frozen=True)
class Options:
    neighbours: int = 20  # nearest films by which a film is scored
    shrinkage: float = 0.0  # imaginary users who liked one of the two films alone
    dislike: float = 0.1  # how strongly a film that was not liked pushes its neighbours away
    decay: float = 0.0  # films after which a film of the history counts e times less; 0: all count the same
    longest: int = 1000  # latest films of a history that are looked at
    liked_slack: float = SLACK  # stars below the user's own mean that still count as liked


class ItemKnn(TableRanker):
    name: ClassVar[str] = "item_knn"
    options_type: ClassVar[type[Any]] = Options

    @classmethod
    def fit(cls, data: TrainingData, options: Options | None = None) -> Self:
        options = options or Options()
        mask = liked_ratings(data, options.liked_slack)
        users, items = data.users[mask], data.items[mask]
        matrix = liked_matrix(users, items, data.n_users, data.n_items)
        both = (matrix.T @ matrix).tocsr()  # (V, V) how many liked both
        both.setdiag(0)
        both.eliminate_zeros()
        liked_by = np.maximum(np.asarray(matrix.sum(axis=0)), 1.0)  # (V,)
        lengths = np.repeat(liked_by, np.diff(both.indptr)) * liked_by[both.indices]
        both.data = (both.data / (np.sqrt(lengths) + options.shrinkage)).astype(np.float32)
        table = _speaking(ItemTable.strongest(both, options.neighbours))
        return cls(data.vocabulary, options, data.global_mean, table, popularity(items, data.n_items))


def _speaking(nearest: ItemTable) -> ItemTable:
    """From each film's nearest films to each film's list of those that it is near to."""
    from scipy.sparse import csr_array

    turned = csr_array((nearest.weights, nearest.followers, nearest.starts), shape=(len(nearest),) * 2).T.tocsr()
    return ItemTable(turned.indptr.astype(np.int64), turned.indices.astype(np.int32), turned.data)
