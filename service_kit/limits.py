"""Rate limits per key, or per address where there are no keys. Counted per process, in a moving window."""

from __future__ import annotations

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from service_kit.errors import ServiceError
from service_kit.keys import digest


class TooManyRequests(ServiceError):
    status, slug, title, retry_after = 429, "too-many-requests", "Too many requests", 5


class RateLimit:
    """A dependency of every route that is not a health check."""

    def __init__(self, per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        self._window = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, request: Request) -> None:
        shown = request.headers.get("authorization")
        caller = digest(shown) if shown and request.app.state.keys else request.client.host if request.client else "?"
        if not self._window.hit(self._item, caller):
            raise TooManyRequests(f"more than {self._item.amount} requests within a minute: wait and try again")
