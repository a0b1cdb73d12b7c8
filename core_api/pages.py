"""Pages of a history, newest first, continued by a cursor that carries what was shown.

The cursor names the time up to which everything was shown, and the last films shown of that very second. Within a
second ratings keep the order in which they arrived, so whatever follows one of those films was not shown: ratings
added or taken away between two pages make no other one appear twice or go missing. A few films are enough, because
only if all of them are taken away is the place lost; all of that second could be ten thousand, too long for a URL.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from indexer.types import History, Rating
from service_kit.errors import InvalidRequest

_REMEMBERED = 20  # films; a cursor of the longest ids has 14 kB then


@dataclass(frozen=True, slots=True)
class Page:
    ratings: tuple[Rating, ...]
    cursor: str | None  # of the next page; None on the last one


def newest_first(history: History) -> list[Rating]:
    """The later time first, ties in the order in which they arrived."""
    columns = zip(history.movie_ids, history.ratings, history.timestamps, strict=True)
    return sorted((Rating(*row) for row in columns), key=lambda rating: -rating.timestamp)


def page(history: History, limit: int, cursor: str | None) -> Page:
    newest = rows = newest_first(history)
    if cursor is not None:
        rows = _after(rows, *_read(cursor))
    taken = rows[:limit]
    if len(rows) <= limit:
        return Page(tuple(taken), None)
    last = taken[-1].timestamp
    shown_then = [row.movie_id for row in newest if row.timestamp == last]
    return Page(tuple(taken), _write(last, shown_then[: shown_then.index(taken[-1].movie_id) + 1][-_REMEMBERED:]))


def _after(rows: list[Rating], at: int, shown: frozenset[str]) -> list[Rating]:
    """What comes after the last of the shown films that is still there; if none is, all of that second again."""
    places = [place for place, row in enumerate(rows) if row.timestamp == at and row.movie_id in shown]
    if places:
        return rows[places[-1] + 1 :]
    return [row for row in rows if row.timestamp <= at]


def _write(at: int, shown: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([at, shown], ensure_ascii=False).encode()).decode()


def _read(cursor: str) -> tuple[int, frozenset[str]]:
    try:
        at, shown = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if not isinstance(at, int) or not isinstance(shown, list) or not all(isinstance(id, str) for id in shown):
            raise ValueError
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise InvalidRequest("cursor: take it from `next` of the page before") from None
    return at, frozenset(shown)
