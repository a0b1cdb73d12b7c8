"""Liveness and readiness. Live never asks a dependency; ready does, on a thread of its own, at most once a second.

80 requests that hang in the thread pool must not delay either, so both are async and share nothing with handlers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from fastapi import APIRouter
from starlette.responses import JSONResponse

_FRESH_S = 1.0
_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """`ready` False is answered 503; `degraded` names each dependency that does not work, and why."""

    ready: bool = True
    degraded: dict[str, str] = field(default_factory=dict)


class ReadinessProbe:
    """Asks `check` when the last answer is older than a second; a check that hangs counts as not ready."""

    def __init__(self, check: Callable[[], Readiness]) -> None:
        self._check = check
        self._last = Readiness(ready=False, degraded={"service": "starting"})
        self._at = float("-inf")
        self._running: asyncio.Future[Readiness] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="readiness")

    async def ask(self) -> Readiness:
        if time.monotonic() - self._at > _FRESH_S:
            if self._running is None or self._running.done():
                self._running = asyncio.get_running_loop().run_in_executor(self._thread, self._check)
            done, _ = await asyncio.wait({self._running}, timeout=_TIMEOUT_S)
            self._last = (
                self._running.result()
                if done
                else Readiness(ready=False, degraded={"check": f"did not end within {_TIMEOUT_S:g} s"})
            )
            self._at = time.monotonic()
        return self._last

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def router(probe: ReadinessProbe) -> APIRouter:
    routes = APIRouter(prefix="/healthz", tags=["health"])

    @routes.get("/live", summary="The process answers")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @routes.get("/ready", summary="The service can do its work; what is degraded, and why")
    async def ready() -> JSONResponse:
        state = await probe.ask()
        word = "not ready" if not state.ready else "degraded" if state.degraded else "ready"
        headers = {} if state.ready else {"Retry-After": "2"}
        return JSONResponse({"status": word, "degraded": state.degraded}, 200 if state.ready else 503, headers)

    return routes
