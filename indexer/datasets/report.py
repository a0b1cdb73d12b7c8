"""What was set aside while reading a data set: file, line and reason of every row that cannot be.

The readers add to it; the loader sums it up; `write_report` makes a CSV file that is safe to open in a spreadsheet.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

KEPT = 100_000  # rows remembered one by one; beyond that they are counted, so that memory stays bounded
_LONGEST_TEXT = 200
_FORMULA = ("=", "+", "-", "@")  # what makes a spreadsheet run a cell; tabs and the like are replaced anyway


@dataclass(frozen=True, slots=True)
class SetAside:
    file: str
    line: int
    reason: str
    text: str  # the row, shortened


class LoadReport:
    """Rows that were set aside. Reading a file again starts its part anew."""

    def __init__(self) -> None:
        self._rows: dict[str, list[SetAside]] = {}
        self._counts: dict[str, Counter[str]] = {}

    def add(self, file: str, line: int, reason: str, text: str | bytes = "") -> None:
        self._counts.setdefault(file, Counter())[reason] += 1
        if len(self.rows_of(file)) < KEPT:
            shown = text.decode("ascii", "backslashreplace") if isinstance(text, bytes) else text
            self._rows.setdefault(file, []).append(SetAside(file, line, reason, shown[:_LONGEST_TEXT]))

    def restart(self, file: str) -> None:
        """Forget what was noted of this file: it is about to be read once more."""
        self._rows.pop(file, None)
        self._counts.pop(file, None)

    def __len__(self) -> int:
        return sum(counter.total() for counter in self._counts.values())

    @property
    def counts(self) -> dict[str, int]:
        """How many rows per reason, most frequent first."""
        return dict(sum(self._counts.values(), Counter()).most_common())

    def count(self, file: str, reason: str) -> int:
        return self._counts.get(file, Counter())[reason]

    @property
    def rows(self) -> list[SetAside]:
        """The first rows that were set aside, by file and line."""
        return [row for file in sorted(self._rows) for row in self._rows[file]]

    def rows_of(self, file: str) -> list[SetAside]:
        return self._rows.get(file, [])

    def write_report(self, path: Path) -> None:
        """CSV with the columns file, line, reason, row."""
        with path.open("w", newline="", encoding="utf-8") as handle:
            out = csv.writer(handle)
            out.writerow(["file", "line", "reason", "row"])
            for row in self.rows:
                out.writerow([_cell(row.file), row.line, _cell(row.reason), _cell(row.text)])
            unlisted = len(self) - len(self.rows)
            if unlisted:
                out.writerow(["", "", f"{unlisted} more rows were set aside but are not listed", ""])


def _cell(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula: printable, with a quote mark in front if need be."""
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return f"'{printable}" if printable.lstrip().startswith(_FORMULA) else printable
