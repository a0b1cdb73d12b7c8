"""One deadline a request. Every hop asks how much is left; nobody waits longer than the caller does.

It is a context variable, so it reaches sync handlers in the thread pool. Outside a request (the command line, bulk
work) there is none, and `remaining(cap)` is the cap.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from service_kit.errors import UpstreamUnavailable

HEADER = "X-Deadline-Ms"

_until: ContextVar[float | None] = ContextVar("deadline", default=None)


class DeadlineExceeded(UpstreamUnavailable):
    slug, title = "deadline-exceeded", "The request's time is used up"


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Work in this block has `seconds`, or less if an outer deadline is nearer."""
    outer = _until.get()
    until = time.monotonic() + seconds
    token = _until.set(until if outer is None else min(outer, until))
    try:
        yield
    finally:
        _until.reset(token)


def remaining(cap: float) -> float:
    """Seconds left, at most `cap`; raises DeadlineExceeded when none are."""
    until = _until.get()
    if until is None:
        return cap
    left = until - time.monotonic()
    if left <= 0:
        raise DeadlineExceeded("the request's time was used up before the work was done: try again")
    return min(left, cap)
