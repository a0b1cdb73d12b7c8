"""Pages of a history, newest first, continued by a cursor that carries what was shown.

The cursor names the time up to which everything was shown, and which films of that very second: ratings that are
added or taken away between two pages make no other rating appear twice or go missing.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from indexer.types import History, Rating
from service_kit.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Page:
    ratings: tuple[Rating, ...]
    cursor: str | None  # of the next page; None on the last one


def newest_first(history: History) -> list[Rating]:
    """The later time first, ties in the order in which they arrived."""
    columns = zip(history.movie_ids, history.ratings, history.timestamps, strict=True)
    return sorted((Rating(*row) for row in columns), key=lambda rating: -rating.timestamp)


def page(history: History, limit: int, cursor: str | None) -> Page:
    rows = newest_first(history)
    at, shown = _read(cursor) if cursor is not None else (None, frozenset())
    if at is not None:
        rows = [row for row in rows if row.timestamp < at or (row.timestamp == at and row.movie_id not in shown)]
    taken = rows[:limit]
    if len(rows) <= limit:
        return Page(tuple(taken), None)
    last = taken[-1].timestamp
    shown_then = {row.movie_id for row in taken if row.timestamp == last} | (shown if last == at else set())
    return Page(tuple(taken), _write(last, shown_then))


def _write(at: int, shown: set[str] | frozenset[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([at, sorted(shown)]).encode()).decode()


def _read(cursor: str) -> tuple[int, frozenset[str]]:
    try:
        at, shown = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if not isinstance(at, int) or not isinstance(shown, list) or not all(isinstance(id, str) for id in shown):
            raise ValueError
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise InvalidRequest("cursor: take it from `next` of the page before") from None
    return at, frozenset(shown)
