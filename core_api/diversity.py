"""Maximal marginal relevance (Carbonell and Goldstein 1998): a list whose films are good and unlike each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def diversified(ids: Sequence[str], vectors: Mapping[str, np.ndarray], k: int, diversity: float) -> list[str]:
    """k of the ids (best first), in a new order. `diversity` 0 keeps their order, 1 looks at unlikeness alone.

    Relevance is the place in the list, so that it means the same for every strategy; a film without a vector is
    like no other.
    """
    if not ids:
        return []
    dimension = len(next(iter(vectors.values()))) if vectors else 1
    matrix = np.stack([vectors.get(movie_id, np.zeros(dimension, np.float32)) for movie_id in ids])  # (N, D)
    relevance = 1.0 - np.arange(len(ids)) / len(ids)  # (N,)
    alike = np.zeros(len(ids), np.float32)  # (N,) cosine with the nearest chosen film
    left = np.ones(len(ids), bool)
    chosen: list[str] = []
    while len(chosen) < min(k, len(ids)):
        value = np.where(left, (1.0 - diversity) * relevance - diversity * alike, -np.inf)
        best = int(value.argmax())
        left[best] = False
        chosen.append(ids[best])
        alike = np.maximum(alike, matrix @ matrix[best])
    return chosen
