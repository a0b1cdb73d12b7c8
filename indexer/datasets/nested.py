"""Columns that hold lists of records: JSON in TMDB 5000, Python literals in The Movies Dataset. Parsed, never run."""

from __future__ import annotations

import ast
import json
from typing import Any

from indexer.datasets.values import BAD_NESTED, BadField

_LONGEST = 2**20  # characters: the longest list of a film's crew has some 60,000


def parse_records(text: str) -> list[dict[str, Any]]:
    """The records of the column, [] for an empty one. Raises BadField for what is no list of records."""
    text = text.strip()
    if not text:
        return []
    if len(text) > _LONGEST:
        raise BadField(BAD_NESTED)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            raise BadField(BAD_NESTED) from None
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        raise BadField(BAD_NESTED)
    return found


def names(records: list[dict[str, Any]], most: int | None = None) -> tuple[str, ...]:
    """The distinct names of the first records, as they are ordered."""
    found = (" ".join(record["name"].split()) for record in records if isinstance(record.get("name"), str))
    return tuple(dict.fromkeys(name for name in found if name))[:most]
