"""A circuit breaker: a dependency that failed several times in a row is left alone for a moment.

While it is open, calls fail at once instead of each waiting for its deadline; then one call tries again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    def __init__(self, failures: int = 5, open_s: float = 2.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._open_s = open_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._next_try_at = float("-inf")  # while too many have failed

    def allows(self) -> bool:
        """Whether a call may go out. After the pause one caller is let through; the rest wait for its result."""
        with self._lock:
            if self._failures < self._limit:
                return True
            if self._clock() < self._next_try_at:
                return False
            self._next_try_at = self._clock() + self._open_s
            return True

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= self._limit:
                self._next_try_at = self._clock() + self._open_s
