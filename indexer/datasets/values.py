"""Text of a field -> value: ids, ratings, times, genres. Strict, and says what is wrong in two or three words.

The reasons are what the report of a load counts, so they are few and fixed. Called by `catalogue`, `ratings` and
`dataset` for every row.
"""

from __future__ import annotations

import re

from indexer.checks import LONGEST_ID

NO_USER = "no user"
NO_MOVIE = "no movie"
NO_TITLE = "no title"
NO_TAG = "no tag"
BAD_NUMBER = "bad number"
IMPOSSIBLE_RATING = "impossible rating"
IMPOSSIBLE_TIME = "impossible time"
UNKNOWN_MOVIE = "unknown movie"
REPEATED = "repeated"
BROKEN_ENCODING = "broken encoding"
UNCLOSED_QUOTE = "unclosed quote"
WRONG_COLUMNS = "wrong number of columns"
BAD_NESTED = "bad nested column"

HIGHEST_RATING = 5.0
LATEST_TIME = 4_102_444_800  # the year 2100: a later time is most likely in milliseconds

_WHOLE = re.compile(r"(\d+)(?:\.0*)?", re.ASCII)  # "31.0" is how a table with gaps writes 31
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)", re.ASCII)
_ABSENT = ("", "nan", "none", "null", "na")


class BadField(ValueError):
    """Why a row cannot be."""


def parse_id(text: str, absent: str) -> str:
    """An id as the stores keep it. Numbers are whole; other ids (in a data set of one's own) are kept as they are."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        if len(text) <= LONGEST_ID:
            return text
        raise BadField(BAD_NUMBER)
    if text.casefold() in _ABSENT:
        raise BadField(absent)
    whole = _WHOLE.fullmatch(text)
    if whole:
        return whole[1]
    if _NUMBER.fullmatch(text) or len(text) > LONGEST_ID or not text.isprintable():
        raise BadField(BAD_NUMBER)
    return text


def parse_rating(text: str) -> float:
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise BadField(BAD_NUMBER)
    value = float(text)
    if not 0 <= value <= HIGHEST_RATING:
        raise BadField(IMPOSSIBLE_RATING)
    return value


def parse_time(text: str) -> int:
    if len(text) <= 10 and text.isdigit() and text.isascii():  # nearly all: the pattern below costs as much as a row
        time = int(text)
    else:
        whole = _WHOLE.fullmatch(text.strip())
        if not whole:
            raise BadField(BAD_NUMBER)
        time = int(whole[1][:20])  # more digits make it no more possible
    if time >= LATEST_TIME:
        raise BadField(IMPOSSIBLE_TIME)
    return time


def parse_genres(text: str) -> tuple[str, ...]:
    """ "Action|Crime" -> ("Action", "Crime"); "(no genres listed)" is none."""
    names = (name.strip() for name in text.split("|"))
    return tuple(dict.fromkeys(name for name in names if name and not name.startswith("(no genres")))


def parse_imdb(text: str) -> str | None:
    """ "114709" -> "tt0114709"; None for none."""
    text = text.strip().removeprefix("tt")
    if text.casefold() in _ABSENT:
        return None
    whole = _WHOLE.fullmatch(text)
    if not whole:
        raise BadField(BAD_NUMBER)
    return f"tt{whole[1]:0>7}"


def parse_tmdb(text: str) -> str | None:
    """ "862.0" -> "862"; None for none."""
    if text.strip().casefold() in _ABSENT:
        return None
    whole = _WHOLE.fullmatch(text.strip())
    if not whole:
        raise BadField(BAD_NUMBER)
    return whole[1]
