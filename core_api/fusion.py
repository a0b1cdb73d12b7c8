"""Reciprocal rank fusion (Cormack, Clarke and Buettcher 2009): several rankings into one, by places alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from indexer.types import Scored

_OFFSET = 60  # of the paper: how little the first places differ


def fused(rankings: Iterable[Sequence[str]]) -> list[Scored]:
    """Every id of any of the rankings, best first, ties by id."""
    totals: dict[str, float] = {}
    for ranking in rankings:
        for place, movie_id in enumerate(ranking, start=1):
            totals[movie_id] = totals.get(movie_id, 0.0) + 1.0 / (_OFFSET + place)
    films = [Scored(movie_id, total) for movie_id, total in totals.items()]
    return sorted(films, key=lambda film: (-film.score, film.id))
