"""EASE (Steck 2019): the linear model that rebuilds each history from itself without a film standing for itself.

    P = (X'X + lambda I)^-1,  W[a, b] = -P[a, b] / P[b, b],  W[a, a] = 0

X (U, V) is 1 where a user liked a film. In closed form, blind to order: a baseline. P is dense, so only the `films`
most liked films take part, and each keeps its strongest weights; all others are reached by popularity alone. How a
history is scored with W is in `item_table`.
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
    ridge: float = 300.0  # lambda
    films: int = 6000  # of the catalogue, the most liked ones: 6,000 squared are 288 MB and some 15 CPU seconds
    followers: int = 500  # weights kept per film
    dislike: float = 0.1  # how strongly a film that was not liked pushes away what it speaks for
    decay: float = 0.0  # films after which a film of the history counts e times less; 0: all count the same
    longest: int = 1000  # latest films of a history that are looked at
    liked_slack: float = SLACK  # stars below the user's own mean that still count as liked


class Ease(TableRanker):
    name: ClassVar[str] = "ease"
    options_type: ClassVar[type[Any]] = Options

    @classmethod
    def fit(cls, data: TrainingData, options: Options | None = None) -> Self:
        from scipy.sparse import csr_array

        options = options or Options()
        mask = liked_ratings(data, options.liked_slack)
        users, items = data.users[mask], data.items[mask]
        matrix = liked_matrix(users, items, data.n_users, data.n_items)
        counts = np.bincount(items, minlength=data.n_items)
        among = np.sort(np.argsort(-counts, kind="stable")[: options.films])  # (M,) rows of the films that take part
        weights = _weights(matrix[:, among], options.ridge)  # (M, M)
        rows, columns = np.nonzero(weights)
        table = csr_array((weights[rows, columns], (among[rows], among[columns])), shape=(data.n_items, data.n_items))
        return cls(
            data.vocabulary,
            options,
            data.global_mean,
            ItemTable.strongest(table, options.followers),
            popularity(items, data.n_items),
        )


def _weights(matrix: Any, ridge: float) -> np.ndarray:
    """(M, M) float32 W of a sparse matrix (U, M)."""
    from scipy.linalg.lapack import dpotrf, dpotri

    gram = np.asarray((matrix.T @ matrix).todense(), np.float64)
    gram[np.diag_indices_from(gram)] += ridge
    factor, failed = dpotrf(gram, lower=True, overwrite_a=True)
    assert not failed, "a Gram matrix with a ridge is positive definite"
    inverse, _ = dpotri(factor, lower=True, overwrite_c=True)  # the lower half
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return np.asarray(weights, np.float32)
