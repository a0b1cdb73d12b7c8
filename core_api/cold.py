"""Films that a ranking cannot know, newer than its model or not yet rated by anybody, blended in by nearness.

The scores of a model and of kNN have no common scale, but places have: a film that is the n-th nearest to the user's
taste is put about where the model would put its n-th, later if the setting trusts nearness less.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence

from indexer.types import Scored
from recommender_api.client import Ranking, RankQuery

_VERSIONS_KEPT = 4


def blended(ranked: Sequence[Scored], near: Sequence[str], unknown: Collection[str], weight: float) -> list[Scored]:
    """`ranked` with the `unknown` ones of `near` (nearest first) put in: the n-th nearest at place n / weight.

    Scores still never rise along the list: a film that is put in takes the score of the one before it.
    """
    keyed = [(place + 1.0, 1, film) for place, film in enumerate(ranked)]
    if weight > 0:
        keyed += [((place + 1.0) / weight, 0, Scored(id, 0.0)) for place, id in enumerate(near) if id in unknown]
    keyed.sort(key=lambda entry: entry[:2])
    result: list[Scored] = []
    score = ranked[0].score if ranked else 0.0
    for _, is_ranked, film in keyed:
        score = film.score if is_ranked else score
        result.append(Scored(film.id, score))
    return result


class KnownFilms:
    """Which films a model version knows. That never changes, so each film is asked about once a version."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_version: dict[tuple[str, str], tuple[set[str], set[str]]] = {}  # known, unknown

    def unknown(self, ranking: Ranking, ids: Sequence[str], rank: Callable[[RankQuery], Ranking]) -> set[str]:
        """Those of the ids that the model behind this ranking does not know; asks it with one more call if need be."""
        known, unknown = self._sets(ranking)
        with self._lock:
            known.update(item.id for item in ranking.items)
            unknown.update(ranking.unknown)
            unclear = tuple(movie_id for movie_id in ids if movie_id not in known and movie_id not in unknown)
        if unclear:
            answer = rank(RankQuery(candidates=unclear, k=1, model=ranking.model))
            if (answer.model, answer.version) == (ranking.model, ranking.version):
                with self._lock:
                    unknown.update(answer.unknown)
                    known.update(set(unclear).difference(answer.unknown))
        with self._lock:
            return unknown.intersection(ids)

    def _sets(self, ranking: Ranking) -> tuple[set[str], set[str]]:
        with self._lock:
            sets = self._of_version.setdefault((ranking.model, ranking.version), (set(), set()))
            while len(self._of_version) > _VERSIONS_KEPT:
                del self._of_version[next(iter(self._of_version))]
            return sets
