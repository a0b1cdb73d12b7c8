"""Which row stands for which film: the one translation between ids and integers.

Every model and every data column speaks rows of one `Vocabulary`. It holds exactly the films that occur in the data,
so no row is ever untrained. Rows ascend with the id: a tie broken by row is a tie broken by id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import numpy as np


class Vocabulary:
    """V ids in ascending order of the string; immutable."""

    __slots__ = ("_row", "ids")

    def __init__(self, ids: Sequence[str]) -> None:
        """Raises ValueError where the ids are not strictly ascending; `of` sorts them first."""
        self.ids: tuple[str, ...] = tuple(ids)
        for left, right in zip(self.ids, self.ids[1:], strict=False):
            if left >= right:
                raise ValueError(f"the ids of a vocabulary must ascend without repeats, but {right!r} follows {left!r}")
        self._row = {id: row for row, id in enumerate(self.ids)}

    @classmethod
    def of(cls, ids: Iterable[str]) -> Vocabulary:
        """The distinct ids, sorted."""
        return cls(sorted(set(ids)))

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, id: object) -> bool:
        return id in self._row

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.ids == other.ids

    def __hash__(self) -> int:
        return hash(self.ids)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} ids)"

    def rows(self, ids: Iterable[str]) -> tuple[np.ndarray, list[str]]:
        """Rows (N,) int64 of the known ids, in their order and as often as they come; the unknown ones, each once."""
        rows: list[int] = []
        unknown: dict[str, None] = {}
        for id in ids:
            row = self._row.get(id)
            if row is None:
                unknown[id] = None
            else:
                rows.append(row)
        return np.array(rows, np.int64), list(unknown)

    def known(self, ids: Sequence[str]) -> np.ndarray:
        """(N,) bool: which of the ids have a row."""
        return np.fromiter((id in self._row for id in ids), bool, len(ids))

    def to_json(self) -> str:
        return json.dumps(self.ids, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Raises ValueError for anything but an ascending list of strings."""
        ids = json.loads(text)
        if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
            raise ValueError("a vocabulary is a JSON list of strings")
        return cls(ids)
