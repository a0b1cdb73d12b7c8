"""Films like one film, by their vectors; by genre and popularity where there is no vector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from core_api.diversity import diversified
from core_api.popular import Popular
from core_api.rules import EXCLUDE, Rules
from core_api.selection import Selection
from core_api.wishes import Wish
from indexer.ports import Stores
from indexer.types import Movie, Scored
from service_kit.errors import NotFound

_SPARE = 20  # films that may have gone meanwhile


@dataclass(frozen=True, slots=True)
class Near:
    items: tuple[tuple[Movie, float], ...]  # with the cosine, or 0 for films of the chart
    fallback_reason: str | None


class Similar:
    def __init__(self, stores: Stores, popular: Popular) -> None:
        self._stores = stores
        self._popular = popular

    def to(self, movie_id: str, wish: Wish) -> Near:
        """k films, nearest first. Raises NotFound for a film that is not in the catalogue."""
        film = self._stores.movies.get([movie_id]).get(movie_id)
        if film is None:
            raise NotFound(f"film {movie_id} is not in the catalogue")
        counts = self._popular.chart().counts if wish.min_ratings else {}
        selection = Selection(
            self._stores.movies, Rules(wish.where, {EXCLUDE: (movie_id, *wish.exclude)}, wish.min_ratings, counts)
        )
        vector = self._stores.vectors.get([movie_id]).get(movie_id)
        if vector is None:
            where = wish.where if wish.where.genres else replace(wish.where, genres=frozenset(film.genres))
            selection.take((Scored(near.id, 0.0) for near in self._popular.ranked(where)), wish.k)
            return Near(_items(selection)[: wish.k], "no_vectors")
        wanted = 3 * wish.k + 20 if wish.diversity else wish.k
        selection.take(self._nearest(vector[None], wanted, selection.rules), wanted)
        return Near(self._ordered(selection, wish), None)

    def _nearest(self, query: np.ndarray, k: int, rules: Rules) -> Iterator[Scored]:
        """As many as are asked for: what a rule outside of the search takes is looked for further away."""
        wanted, told = k + _SPARE, 0
        while True:
            found = self._stores.vectors.nearest(query, wanted, rules.where, rules.excluded)
            yield from found[told:]
            if len(found) < wanted:
                return
            told, wanted = len(found), 5 * wanted

    def _ordered(self, selection: Selection, wish: Wish) -> tuple[tuple[Movie, float], ...]:
        items = _items(selection)
        if wish.diversity:
            by_id = {movie.id: (movie, score) for movie, score in items}
            vectors = self._stores.vectors.get(list(by_id))
            items = tuple(by_id[movie_id] for movie_id in diversified(list(by_id), vectors, wish.k, wish.diversity))
        return items[: wish.k]


def _items(selection: Selection) -> tuple[tuple[Movie, float], ...]:
    return tuple((item.movie, item.score) for item in selection.items().values())
