"""Which films of a history carry a recommendation: measured, by leaving each film out and looking how far it falls.

Needs nothing of a ranker but its scores, so it is right for any; one that scores several queries at once is faster.
Used by the engine. The core's own strategies measure theirs the same way and choose with `carriers`.
"""

from __future__ import annotations

import numpy as np

from recommender_api.liking import liked
from recommender_api.models.base import Query, Ranker

ALSO = 0.5  # a further film is named if it carries at least this share of what the first one does
_NOISE = 1e-4  # of the largest drop: below it lies what float32 makes up
_USUAL_MEAN = 3.5


def explained(ranker: Ranker, query: Query, items: np.ndarray, most: int, looked_at: int) -> list[list[int]]:
    """For each item (N,) the rows of up to `most` films of the history that carry it, the strongest first; none where
    nothing does. Looks at the latest `looked_at` films that were liked: what somebody disliked is no reason."""
    likes = liked(query.ratings, _USUAL_MEAN) & ~np.isin(query.items, query.avoid)
    places = np.flatnonzero(likes)[-looked_at:]
    if not len(places) or not len(items):
        return [[] for _ in items]
    chosen = carriers(drops(ranker, query, items, places), most)
    return [query.items[places[best]].tolist() for best in chosen]


def drops(ranker: Ranker, query: Query, items: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(N, O) float32: how far the score of each item (N,) falls when the history's film at each place (O,) is gone."""
    queries = [query, *(without(query, place) for place in places)]
    batch = getattr(ranker, "scores_batch", None)
    table = batch(queries)[:, items] if batch else np.stack([ranker.scores(asked)[items] for asked in queries])
    return np.asarray(table[0] - table[1:], np.float32).T  # of (O + 1, N)


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
