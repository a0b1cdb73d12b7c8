"""A small cache of answers. An entry is good only while what it was computed from is what it was."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class AnswerCache(Generic[Value]):
    """Keeps the entries used last. `basis` is everything that the value depends on beside the key: histories, model
    and store versions; it is taken before the value is computed, so that a write meanwhile makes the entry stale."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, tuple[Hashable, Value]] = OrderedDict()

    def get(self, key: Hashable, basis: Hashable) -> Value | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry[0] != basis:
                return None
            self._entries.move_to_end(key)
            return entry[1]

    def put(self, key: Hashable, basis: Hashable, value: Value) -> None:
        with self._lock:
            self._entries[key] = (basis, value)
            self._entries.move_to_end(key)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._entries)
