"""Vectors of texts asked before, by model and text, within a bound in bytes; the least recently used one goes.

Used by the engine. It keeps what one process computed and is lost with it: vectors of films live in the store.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

import numpy as np

_ENTRY_BYTES = 400  # the dictionary entry, the key and the array object, measured roughly


class Row(NamedTuple):
    """What is known of one text."""

    vector: np.ndarray  # (D,) float32 of length 1
    tokens: int
    truncated: bool


class VectorCache:
    """Safe to use from several threads. A bound of 0 keeps nothing."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._rows: OrderedDict[tuple[str, str], Row] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, model: str, text: str) -> Row | None:
        key = (model, text)
        with self._lock:
            row = self._rows.get(key)
            if row is not None:
                self._rows.move_to_end(key)
            return row

    def put(self, model: str, text: str, row: Row) -> None:
        key, size = (model, text), _size(text, row)
        if size > self._max_bytes:
            return
        with self._lock:
            old = self._rows.pop(key, None)
            if old is not None:
                self._bytes -= _size(text, old)
            self._rows[key] = row
            self._bytes += size
            while self._bytes > self._max_bytes:
                (_, oldest), dropped = self._rows.popitem(last=False)
                self._bytes -= _size(oldest, dropped)

    def __len__(self) -> int:
        return len(self._rows)


def _size(text: str, row: Row) -> int:
    return _ENTRY_BYTES + 4 * len(text) + int(row.vector.nbytes)  # a character takes at most four bytes
