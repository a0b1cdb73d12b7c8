"""Fields of personal exports -> values. Ids and years that make no sense are left out; a rating that makes none is
the row's end, since a guess would put words into somebody's mouth."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

from indexer.personal.entries import BAD_RATING, NotAnEntry

_IMDB = re.compile(r"tt\d{5,10}", re.ASCII)
_WHOLE = re.compile(r"\d{1,10}", re.ASCII)
_FORMATS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S", "%a %b %d %H:%M:%S %Y", "%d %B %Y", "%d %b %Y")
_FRACTION = re.compile(r"\.\d+(?=Z|[+-]\d\d:?\d\d|$)")
_LATEST = 4_102_444_800  # the year 2100


def text(value: Any) -> str | None:
    """The text without the space around it; None for none, and for what is no text."""
    return value.strip() or None if isinstance(value, str) else None


def imdb_id(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = f"{value:07d}"
    given = text(value)
    if given is None:
        return None
    found = _IMDB.search(given)
    if found:
        return found[0]
    return f"tt{given:0>7}" if _WHOLE.fullmatch(given) else None


def whole_id(value: Any) -> str | None:
    """A number that serves as an id, as text; TMDB's and MovieLens' ids are such."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    given = (text(value) or "").removesuffix(".0")
    return str(int(given)) if _WHOLE.fullmatch(given) else None


def year(value: Any) -> int | None:
    number = whole_id(value)
    return int(number) if number and 1870 <= int(number) <= 2100 else None


def rating(value: Any, highest: float, lowest: float = 0.0) -> float | None:
    """On our scale of 0 to 5; None for an empty field. Raises NotAnEntry for anything that is no rating."""
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise NotAnEntry(BAD_RATING) from None
    if isinstance(value, bool) or not math.isfinite(number) or not lowest <= number <= highest:
        raise NotAnEntry(BAD_RATING)
    return number * 5.0 / highest


def seconds(value: Any) -> int | None:
    """A day or a moment as seconds since 1970, days at midnight UTC; None where that cannot be told."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if math.isfinite(value) and 0 < value < _LATEST else None
    given = _FRACTION.sub("", text(value) or "").replace("Z", "+00:00")
    if given.isascii() and given.isdigit():
        return seconds(int(given[:12]))
    for form in _FORMATS:
        try:
            moment = datetime.strptime(given, form)
        except ValueError:
            continue
        at = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        return at if 0 <= at < _LATEST else None
    return None
