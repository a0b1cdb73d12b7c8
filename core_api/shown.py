"""The cursor of a list of recommendations: it carries the films that were shown, so that none comes again.

Nothing else is in it. What a next page holds is ranked anew, by what is known by then; a rating given between two pages
changes what follows and repeats nothing. Compressed, since it has to fit into a URL.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Sequence

from service_kit.errors import InvalidRequest

LONGEST = 40_000  # characters of a cursor: a URL may have 64 kB
_MOST_BYTES = 1_000_000  # unpacked


def cursor_of(shown: Sequence[str]) -> str | None:
    """None where so many films were shown that a URL would not hold them: the list ends there."""
    packed = zlib.compress(json.dumps(list(shown), ensure_ascii=False, separators=(",", ":")).encode(), 9)
    cursor = base64.urlsafe_b64encode(packed).decode()
    return cursor if len(cursor) <= LONGEST else None


def films_of(cursor: str | None) -> tuple[str, ...]:
    """Raises InvalidRequest for what is no cursor of ours."""
    if cursor is None:
        return ()
    try:
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(base64.urlsafe_b64decode(cursor.encode()), _MOST_BYTES)
        shown = json.loads(text)
        if not unpacking.eof or not isinstance(shown, list) or not all(isinstance(movie_id, str) for movie_id in shown):
            raise ValueError
    except (ValueError, zlib.error, binascii.Error, RecursionError):
        raise InvalidRequest("cursor: take it from `next` of the page before") from None
    return tuple(shown)
