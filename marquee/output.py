"""Where words go: results to stdout, everything else to stderr. Every command prints through this."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any


def say(line: str) -> None:
    """A line for the person watching, not part of the result."""
    print(line, file=sys.stderr, flush=True)


def result(line: str = "") -> None:
    print(line, flush=True)


def result_json(document: Any) -> None:
    """One line, for a script."""
    result(json.dumps(document, ensure_ascii=False, allow_nan=False))


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns as wide as they need, numbers to the right; never cut, so that it can be piped."""
    lines = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
    numeric = [all(_is_number(cell) for cell in column) for column in zip(*lines, strict=True)] or [False] * len(widths)
    for line in [list(header), *lines]:
        cells = zip(line, widths, numeric, strict=True)
        result("  ".join(cell.rjust(w) if right else cell.ljust(w) for cell, w, right in cells).rstrip())


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", ""))
    except ValueError:
        return cell in ("", "-")
    return True
