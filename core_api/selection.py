"""From ranked ids to films: looks them up, drops what is gone or kept out by a rule, keeps the order, counts to k."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from core_api.rules import Rules
from core_api.wishes import Item
from indexer.ports import MovieStore
from indexer.types import Scored

_CHUNK = 200
_MOST_CHUNKS = 100  # looked up in one `take`: bounded also where a filter lets hardly anything pass


class Selection:
    def __init__(self, movies: MovieStore, rules: Rules) -> None:
        self._movies = movies
        self.rules = rules
        self._items: dict[str, Item] = {}

    def __len__(self) -> int:
        return len(self._items)

    def items(self) -> dict[str, Item]:
        """By film id, best first."""
        return dict(self._items)

    def take(self, ranked: Iterable[Scored], needed: int, *, scored: bool = True) -> None:
        """Take films until there are `needed`. Not `scored`: they come from another ranking than the ones before and
        are given the score of the last of those, so that scores never rise along the list."""
        rules = self.rules
        wanted = (
            film
            for film in ranked
            if film.id not in rules.excluded and film.id not in self._items and rules.rated_enough(film.id)
        )
        for chunk in _chunks(wanted, needed - len(self._items)):
            films = self._movies.get([film.id for film in chunk])
            for ranked_film in chunk:
                film = films.get(ranked_film.id)
                if film is not None and rules.broken_by(film) is None:
                    self._items.setdefault(film.id, Item(film, ranked_film.score if scored else self._last_score()))
                if len(self._items) >= needed:
                    return

    def _last_score(self) -> float:
        return next(reversed(self._items.values())).score if self._items else 0.0


def _chunks(films: Iterator[Scored], first: int) -> Iterator[list[Scored]]:
    """A first one that is just large enough if all are good, then larger ones."""
    size = max(first, 1)
    for _ in range(_MOST_CHUNKS):
        chunk = list(islice(films, size))
        if not chunk:
            return
        yield chunk
        size = max(_CHUNK, first)
