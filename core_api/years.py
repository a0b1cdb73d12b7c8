"""From which year to which the catalogue goes, and since when a film counts as new in it. Asked of the store's filter a
few times, by halving, and kept for some minutes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from indexer.ports import MovieStore
from indexer.types import MovieFilter

_REREAD_S = 300.0
_FIRST, _LAST = 0, 9999
_MOST_NEW = 100  # films: the latest so many are new, and the rest of their earliest year; of few films the latest tenth


@dataclass(frozen=True, slots=True)
class Span:
    """None where no film has a year."""

    first: int | None
    last: int | None
    new_since: int | None


class Years:
    def __init__(self, movies: MovieStore) -> None:
        self._movies = movies
        self._lock = threading.Lock()
        self._span = Span(None, None, None)
        self._read_at = float("-inf")

    def span(self) -> Span:
        with self._lock:
            if self._span.last is None or time.monotonic() - self._read_at > _REREAD_S:
                self._span = self._read()
                self._read_at = time.monotonic()
            return self._span

    def _read(self) -> Span:
        if not self._since(_FIRST, 1):
            return Span(None, None, None)
        last = _latest(lambda year: self._since(year, 1))
        first = _latest(lambda year: not self._movies.matching(MovieFilter(year_to=year - 1), 1))
        new = min(_MOST_NEW, 1 + self._movies.count() // 10)
        return Span(first, last, max(first, _latest(lambda year: self._since(year, new))))

    def _since(self, year: int, count: int) -> bool:
        """Whether that many films are of this year or later."""
        return len(self._movies.matching(MovieFilter(year_from=year), count)) >= count


def _latest(holds: Callable[[int], bool]) -> int:
    """The latest year for which something holds that holds for all years before it; the first year if for none."""
    low, high = _FIRST, _LAST
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low
