"""Folding in: a user worked out from the ratings in the request, with everything that was learned about films fixed.

`newton` finds the vector; `Pull` says which ratings may pull in a ranking; `push_away` is what the others do instead.
Shared by the models whose users are vectors (`factors`, `ncf`) and by `softmax`; numpy alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recommender_api.liking import disliked
from recommender_api.models.base import Query

LOWEST, HIGHEST = 0.5, 5.0  # a prediction stays within the scale of the ratings
LONGEST_PUSH = 50  # latest disliked films that push: each costs as much as ranking once


@dataclass(frozen=True, slots=True, eq=False)
class Local:
    """A sum of losses near some vector, as least squares: loss(v) is about |targets - rows @ v|^2."""

    loss: float  # at that vector itself
    rows: np.ndarray  # (T, P)
    targets: np.ndarray  # (T,)


def newton(near: Callable[[np.ndarray], Local], penalties: np.ndarray, steps: int) -> np.ndarray:
    """The vector v (P,) of the least loss(v) + sum of penalties * v^2, from v = 0 in at most so many steps.

    Gauss-Newton: one step is exact where `near` is the same everywhere, as for ratings that are linear in v. A step
    that makes things worse is halved, so a curved loss cannot be overshot without end.
    """
    best = current = np.zeros(len(penalties))
    least = np.inf
    for _ in range(steps):
        local = near(current)
        loss = local.loss + float(penalties @ current**2)
        if loss > least:
            current = (current + best) / 2
            continue
        least, best = loss, current
        current = ridge(local.rows, local.targets, penalties)
    if steps > 1 and near(current).loss + float(penalties @ current**2) > least:
        return best
    return current


def ridge(rows: np.ndarray, targets: np.ndarray, penalties: np.ndarray) -> np.ndarray:
    """argmin |targets - rows @ v|^2 + sum of penalties * v^2, through whichever normal equation is smaller."""
    rows = np.asarray(rows, np.float64)
    if len(rows) >= len(penalties):
        return np.asarray(np.linalg.solve(rows.T @ rows + np.diag(penalties), rows.T @ targets))
    scaled = rows / penalties  # (T, P)
    return np.asarray(scaled.T @ np.linalg.solve(rows @ scaled.T + np.eye(len(rows)), targets))


def logistic(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z)), without overflow."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * z))


@dataclass(frozen=True, slots=True, eq=False)
class Pull:
    """The part of a query that may draw a ranking towards films, and the films that push it away."""

    items: np.ndarray  # (T',) what was not disliked, oldest first
    ratings: np.ndarray  # (T',)
    away: np.ndarray  # (A,) latest disliked films, and those to be avoided

    @classmethod
    def of(cls, query: Query, mean_rating: float) -> Pull:
        low = disliked(query.ratings, mean_rating)
        kept = ~low & ~np.isin(query.items, query.avoid)
        away = np.unique(np.concatenate([query.items[low][-LONGEST_PUSH:], query.avoid]))
        return cls(query.items[kept], query.ratings[kept], away)


def push_away(vectors: np.ndarray, away: np.ndarray) -> np.ndarray:
    """(V,) from 0 to 1: how alike each film (V, D) is to the likest of the films `away` (A,); 0 for what is unlike.

    The likest counts, not the sum: one more disliked film can then lower scores only, and many do not drown the rest.
    Cosines are shrunk for short vectors, which are those of films with few ratings.
    """
    if not len(away):
        return np.zeros(len(vectors), np.float32)
    squares = np.einsum("vd,vd->v", vectors, vectors)  # (V,)
    lengths = np.sqrt(squares)
    shrinkage = float(squares.mean()) + 1e-12
    products = vectors @ vectors[away].T  # (V, A)
    alike = products / (lengths[:, None] * lengths[away] + 0.1 * shrinkage)
    return np.asarray(np.maximum(alike.max(axis=1), 0.0), np.float32)
