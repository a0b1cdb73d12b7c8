"""The ratings table, row by row: the one loop of this package that must be fast, 1.5 microseconds a rating.

What is common is looked up, what is not is parsed; every row that cannot be goes to the report.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from indexer.datasets.report import LoadReport
from indexer.datasets.tables import Table
from indexer.datasets.values import (
    NO_MOVIE,
    NO_USER,
    REPEATED,
    UNKNOWN_MOVIE,
    BadField,
    parse_id,
    parse_rating,
    parse_time,
)
from indexer.types import Rating

_SPELLINGS = 100  # of ratings, remembered: "4", "4.0", "4.50"
_LIVE_USERS = 5000  # whose films are kept as sets while their rows come mixed


def read_ratings(
    table: Table, rows: Iterable[tuple[int, list[str]]], films: Films, report: LoadReport
) -> Iterator[tuple[str, Rating]]:
    """User id and rating of each row that can be; of a row without a time it is 0. A repeated one is reported and
    comes all the same."""
    at_user, at_movie, at_rating = (table.columns[name] for name in ("user", "movie", "rating"))
    at_time = table.columns.get("time")
    values: dict[str, float] = {}
    seen, rated, user, latest = _Seen(), set[int](), "", None
    for line, row in rows:
        try:
            if row[at_user] != latest:
                user = parse_id(row[at_user], NO_USER)
                rated, latest = seen.films(user), row[at_user]
            film = films.code(row[at_movie])
            value = values.get(row[at_rating])
            if value is None:
                value = parse_rating(row[at_rating])
                if len(values) < _SPELLINGS:
                    values[row[at_rating]] = value
            time = parse_time(row[at_time]) if at_time is not None else 0
        except BadField as problem:
            report.add(table.file, line, str(problem), table.separator.join(row))
            continue
        if film in rated:
            report.add(table.file, line, REPEATED, table.separator.join(row))
        rated.add(film)
        yield user, Rating(films.ids[film], value, time)


class Films:
    """Which films there are, numbered. Without a catalogue every film that turns up is one."""

    def __init__(self, catalogue: Iterable[str], closed: bool) -> None:
        self.ids = list(catalogue)
        self._codes = {id: code for code, id in enumerate(self.ids)}
        self._closed = closed

    def code(self, text: str) -> int:
        code = self._codes.get(text)
        return self._parsed(text) if code is None else code

    def _parsed(self, text: str) -> int:
        id = parse_id(text, NO_MOVIE)
        code = self._codes.get(id)
        if code is not None:
            return code
        if self._closed:
            raise BadField(UNKNOWN_MOVIE)
        self.ids.append(id)
        self._codes[id] = len(self.ids) - 1
        return len(self.ids) - 1


class _Seen:
    """Which films each user has rated so far: sets for the users at hand, four bytes a film for those gone by."""

    def __init__(self) -> None:
        self._live: dict[str, set[int]] = {}
        self._gone: dict[str, array[int]] = {}

    def films(self, user: str) -> set[int]:
        found = self._live.get(user)
        if found is None:
            if len(self._live) >= _LIVE_USERS:
                self._gone.update((user, array("I", films)) for user, films in self._live.items())
                self._live.clear()
            found = self._live[user] = set(self._gone.pop(user, ()))
        return found
