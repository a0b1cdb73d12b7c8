"""How far the preparation is (loading, embedding, training), for `/v1/info` and the page.

`marquee up` reports here through the `Progress` protocol while the server already answers.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service_kit.progress import Advance

# In stores.meta: what the last training saw and what it chose; "chosen" is null where no model beat the strategies.
TRAINING_RECORD = "training"

_FINISHED_SHOWN = 20  # steps


class _Step:
    def __init__(self, what: str, total: int | None) -> None:
        self.what = what
        self.total = total
        self.done = 0
        self.state = "running"

    def as_dict(self) -> dict[str, Any]:
        return {"step": self.what, "state": self.state, "done": self.done, "total": self.total}


class Preparation:
    """Steps in the order in which they began. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steps: list[_Step] = []
        self._training = 0

    @contextmanager
    def task(self, what: str, total: int | None = None) -> Iterator[Advance]:
        """The `Progress` protocol."""
        step = _Step(what, total)
        with self._lock:
            self._steps = [*self._steps, step][-_FINISHED_SHOWN:]
        state = "failed"
        try:
            yield lambda done: self._advance(step, done)
            state = "done"
        finally:
            with self._lock:
                step.state = state

    @contextmanager
    def training(self) -> Iterator[None]:
        """While this is open, a missing model is one that is being trained: `fallback_reason` says so."""
        with self._lock:
            self._training += 1
        try:
            yield
        finally:
            with self._lock:
                self._training -= 1

    @property
    def is_training(self) -> bool:
        return self._training > 0

    @property
    def is_running(self) -> bool:
        with self._lock:
            return self._training > 0 or any(step.state == "running" for step in self._steps)

    def steps(self) -> list[dict[str, Any]]:
        with self._lock:
            return [step.as_dict() for step in self._steps]

    def _advance(self, step: _Step, done: int) -> None:
        with self._lock:
            step.done += done
