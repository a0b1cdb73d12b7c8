"""How long work tells how far it is, without knowing who watches: a terminal bar, a status page, nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]


class Progress(Protocol):
    def task(self, what: str, total: int | None = None) -> AbstractContextManager[Advance]:
        """One step of work of `total` units (None: unknown); the block calls what it is given with units done."""


class NoProgress:
    """Nobody watches."""

    @contextmanager
    def task(self, what: str, total: int | None = None) -> Iterator[Advance]:  # noqa: ARG002
        yield lambda _done: None
