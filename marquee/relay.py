"""Progress across a process boundary: a child writes it as JSON lines, its parent shows it as its own.

Used by `marquee up`, whose training runs in a child so that serving keeps its latency and memory.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TextIO

from service_kit.progress import Advance, Progress

SECONDS_BETWEEN_EVENTS = 0.1


class EndedEarly(Exception):
    """The child was stopped or died; its exit code says more."""


class JsonProgress:
    """The child's end: one line when a task begins, some while it goes on, one when it ends."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._ids = itertools.count()

    @contextmanager
    def task(self, what: str, total: int | None = None) -> Iterator[Advance]:
        key = next(self._ids)
        waiting, told_at = 0, time.monotonic()

        def advance(units: int) -> None:
            nonlocal waiting, told_at
            waiting += units
            if time.monotonic() - told_at >= SECONDS_BETWEEN_EVENTS:
                self._tell({"task": key, "advance": waiting})
                waiting, told_at = 0, time.monotonic()

        self._tell({"task": key, "what": what, "total": total})
        yield advance
        self._tell({"task": key, "advance": waiting, "end": True})

    def _tell(self, event: dict[str, object]) -> None:
        with self._lock:
            print(json.dumps(event), file=self._out, flush=True)


def show(lines: Iterable[str], progress: Progress) -> None:
    """The parent's end: until the lines end, which they do when the child does. Raises EndedEarly if tasks are open."""
    open_tasks: dict[int, tuple[ExitStack, Advance]] = {}
    with ExitStack() as everything:
        for line in lines:
            event = json.loads(line)
            key = event["task"]
            if "what" in event:
                one = everything.enter_context(ExitStack())
                open_tasks[key] = (one, one.enter_context(progress.task(event["what"], event["total"])))
                continue
            one, advance = open_tasks[key]
            advance(event["advance"])
            if event.get("end"):
                one.close()
                del open_tasks[key]
        if open_tasks:
            raise EndedEarly("the process ended in the middle of its work")


class Both:
    """The same progress in two places."""

    def __init__(self, first: Progress, second: Progress) -> None:
        self._first = first
        self._second = second

    @contextmanager
    def task(self, what: str, total: int | None = None) -> Iterator[Advance]:
        with self._first.task(what, total) as here, self._second.task(what, total) as there:

            def advance(units: int) -> None:
                here(units)
                there(units)

            yield advance
