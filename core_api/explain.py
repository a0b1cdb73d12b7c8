"""Why a film is recommended: the rated films without which its score would be lower, as whatever ranked it measures.

Asked for the films of the finished list, so that the cost does not grow with what was looked at. `popular` gives no
reasons: nothing in a history carries it. Where the measuring cannot be done in time, the list comes without.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress

from core_api.model import ModelStrategy
from core_api.neighbours import CannotRank, Neighbours
from core_api.wishes import Wish
from indexer.ports import Stores
from indexer.types import History, Movie
from service_kit.deadline import DeadlineExceeded, remaining

MOST_REASONS = 2  # named for each film
_LEAST_S = 0.5  # that a request must have left, so that the list itself is not lost


class Explain:
    def __init__(self, stores: Stores, model: ModelStrategy, neighbours: Neighbours) -> None:
        self._stores = stores
        self._model = model
        self._neighbours = neighbours

    def because(
        self, ids: Sequence[str], strategy: str, model: str | None, history: History, wish: Wish
    ) -> dict[str, tuple[Movie, ...]]:
        """For each of the films the rated ones that carry it, if there are any, given who ranked."""
        named: dict[str, Sequence[str]] = {}
        if _time_is_short():
            return {}
        if strategy == "model":
            with suppress(CannotRank):
                named.update(self._model.reasons(ids, history, wish, model, MOST_REASONS))
        others = [movie_id for movie_id in ids if movie_id not in named]
        if strategy == "neighbours" or named:  # films that a model does not know were put in by their nearness
            with suppress(CannotRank):
                named.update(self._neighbours.reasons(others, history, wish.avoid, MOST_REASONS))
        films = self._stores.movies.get(sorted({movie_id for reasons in named.values() for movie_id in reasons}))
        return {
            movie_id: tuple(films[reason] for reason in reasons if reason in films)
            for movie_id, reasons in named.items()
        }


def _time_is_short() -> bool:
    try:
        return remaining(math.inf) < _LEAST_S
    except DeadlineExceeded:
        return True
