"""Which films of a history carry a recommendation: measured, by leaving each film out and looking how far it falls.

Needs nothing of a ranker but its scores, so it is right for any; one that scores several queries at once is faster.
Used by the engine. The core's own strategies measure theirs the same way and choose with `carriers`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np

from recommender_api.liking import liked
from recommender_api.models.base import Query, Ranker

SECONDS = 0.3  # for all of it: a slow ranker looks at fewer films, and still answers within a request
_LOT = 10  # films left out between two looks at the clock
ALSO = 0.5  # a further film is named if it carries at least this share of what the first one does
_NOISE = 1e-4  # of the largest drop: below it lies what float32 makes up
_USUAL_MEAN = 3.5


def explained(
    ranker: Ranker, query: Query, items: np.ndarray, most: int, looked_at: int, seconds: float = SECONDS
) -> list[list[int]]:
    """For each item (N,) the rows of up to `most` films of the history that carry it, the strongest first; none where
    nothing does. Looks at the latest `looked_at` films that were liked: what somebody disliked is no reason."""
    likes = liked(query.ratings, _USUAL_MEAN) & ~np.isin(query.items, query.avoid)
    places = np.flatnonzero(likes)[-looked_at:]
    if not len(places) or not len(items):
        return [[] for _ in items]
    fallen = drops(ranker, query, items, places, seconds)
    films = query.items[places[-fallen.shape[1] :]]
    return [films[best].tolist() for best in carriers(fallen, most)]


def drops(ranker: Ranker, query: Query, items: np.ndarray, places: np.ndarray, seconds: float = math.inf) -> np.ndarray:
    """(N, O) float32: how far the score of each item (N,) falls when the history's film at each place (O,) is gone.
    From the last place on; when the time is used up, of the last O places only."""
    until = time.monotonic() + seconds
    whole = _scores(ranker, [query], items)  # (1, N)
    parts: list[np.ndarray] = []
    for end in range(len(places), 0, -_LOT):
        lot = places[max(0, end - _LOT) : end]
        parts.append(whole - _scores(ranker, [without(query, place) for place in lot], items))  # (lot, N)
        if time.monotonic() > until:
            break
    return np.concatenate(parts[::-1]).T


def _scores(ranker: Ranker, queries: Sequence[Query], items: np.ndarray) -> np.ndarray:
    """(B, N)"""
    batch = getattr(ranker, "scores_batch", None)
    found = batch(queries)[:, items] if batch else np.stack([ranker.scores(query)[items] for query in queries])
    return np.asarray(found, np.float32)


def without(query: Query, place: int) -> Query:
    """The same history without its film at that place."""
    return Query(
        items=np.delete(query.items, place),
        ratings=np.delete(query.ratings, place),
        timestamps=np.delete(query.timestamps, place),
        avoid=query.avoid,
    )


def carriers(drops: np.ndarray, most: int) -> list[np.ndarray]:
    """For each row of drops (N, O) the columns of up to `most` films that carry it, the strongest first, ties by
    column: those whose absence lowers the score, and after the first only what comes near to it."""
    noise = _NOISE * np.abs(drops).max(initial=0.0)
    found = []
    for row in drops:
        best = np.argsort(-row, kind="stable")[:most]
        found.append(best[(row[best] > noise) & (row[best] >= ALSO * row[best[:1]])])
    return found
