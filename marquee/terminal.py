"""`RichProgress`: bars with a rate on stderr where somebody watches, a line now and then where a log does.

Implements `service_kit.progress.Progress`; commands make one and hand it down.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from marquee.output import say
from service_kit.progress import Advance

SECONDS_BETWEEN_LINES = 5.0


class RichProgress:
    """A context manager: the bars disappear from the live area when it ends, and stay as text above."""

    def __init__(self) -> None:
        self._bars = _Bars() if sys.stderr.isatty() else None

    def __enter__(self) -> RichProgress:
        if self._bars:
            self._bars.live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bars:
            self._bars.live.stop()

    @contextmanager
    def task(self, what: str, total: int | None = None) -> Iterator[Advance]:
        with (self._bars.task if self._bars else _lines)(what, total) as advance:
            yield advance


def rate(per_second: float) -> str:
    """ "1,234/s", and for slow steps the other way round: "2.4 s each"."""
    return f"{per_second:,.0f}/s" if per_second >= 1 or not per_second else f"{1 / per_second:.1f} s each"


class _Bars:
    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            ProgressColumn,
            Task,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.text import Text

        class Rate(ProgressColumn):
            def render(self, task: Task) -> Text:
                speed = task.finished_speed or task.speed
                return Text(rate(speed) if speed else "", style="progress.data.speed")

        self.live = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )

    @contextmanager
    def task(self, what: str, total: int | None) -> Iterator[Advance]:
        task = self.live.add_task(what, total=total)
        done = 0

        def advance(units: int) -> None:
            nonlocal done
            done += units
            self.live.advance(task, units)

        yield advance
        self.live.update(task, total=done if total is None else total, completed=done)


@contextmanager
def _lines(what: str, total: int | None) -> Iterator[Advance]:
    """Plain lines: one every few seconds, one at the end."""
    began = said = time.monotonic()
    done = 0
    lock = threading.Lock()
    of = f" of {total:,}" if total is not None else ""

    def line(now: float) -> None:
        seconds = max(now - began, 1e-9)
        counted = f" {done:,}{of} in {seconds:.1f} s ({rate(done / seconds)})"
        say(f"{what}:{counted if done or total is not None else f' {seconds:.1f} s'}")

    def advance(units: int) -> None:
        nonlocal done, said
        with lock:
            done += units
            now = time.monotonic()
            if now - said >= SECONDS_BETWEEN_LINES and done != total:  # the last line comes at the end
                said = now
                line(now)

    yield advance
    line(time.monotonic())
