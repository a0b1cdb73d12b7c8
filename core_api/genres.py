"""The genres of the catalogue, and which of them somebody means: names are compared folded ("sci fi" is "Sci-Fi").

The list is read again now and then, and at once for a name that it does not have, so a new film's new genre counts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from indexer.folding import fold
from indexer.ports import Stores
from indexer.types import MovieFilter

_REREAD_S = 30.0
_SOONEST_S = 1.0  # for a name that is not there: whoever asks for nonsense must not keep the store busy


class Genres:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._lock = threading.Lock()
        self._counts: Mapping[str, int] = {}
        self._by_fold: Mapping[str, frozenset[str]] = {}
        self._read_at = float("-inf")

    def counts(self) -> Mapping[str, int]:
        """Films of each genre, most first, ties by name."""
        self._read(_REREAD_S)
        return self._counts

    def spelled(self, names: Iterable[str]) -> tuple[frozenset[str], tuple[str, ...]]:
        """The names as the catalogue spells them, and those that it does not know (they match nothing)."""
        names = tuple(names)
        if not names:
            return frozenset(), ()
        self._read(_REREAD_S)
        if any(_key(name) not in self._by_fold for name in names):
            self._read(_SOONEST_S)
        found = frozenset(genre for name in names for genre in self._by_fold.get(_key(name), (name,)))
        return found, tuple(name for name in names if _key(name) not in self._by_fold)

    def read(self, where: MovieFilter) -> tuple[MovieFilter, tuple[str, ...]]:
        """The filter with its genres as the catalogue spells them; and the unknown ones."""
        wanted, unknown = self.spelled(sorted(where.genres))
        unwanted, also_unknown = self.spelled(sorted(where.exclude_genres))
        return replace(where, genres=wanted, exclude_genres=unwanted), tuple(dict.fromkeys((*unknown, *also_unknown)))

    def _read(self, older_than_s: float) -> None:
        with self._lock:
            if time.monotonic() - self._read_at <= older_than_s:
                return
            counts = self._stores.movies.genres()
            by_fold: dict[str, set[str]] = {}
            for genre in counts:
                by_fold.setdefault(_key(genre), set()).add(genre)
            self._counts = dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
            self._by_fold = {folded: frozenset(genres) for folded, genres in by_fold.items()}
            self._read_at = time.monotonic()


def _key(name: str) -> str:
    return fold(name) or name  # a name without letters or digits is only itself
