"""What happens around every request: its id, its deadline, security headers, metrics, the log line, the last net.

One plain ASGI callable: it sits on the hot path, and a stack of small ones would cost more than the work.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service_kit import context, deadline, problems
from service_kit.metrics import REQUESTS, SECONDS

_log = structlog.get_logger("marquee.http")


def security_headers(images_from: str | None = None) -> list[tuple[bytes, bytes]]:
    """Pages run and show only what comes from here; images also from that one origin, if given."""
    images = f"'self' data: {images_from}" if images_from else "'self' data:"
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]


@dataclass(frozen=True, slots=True)
class Allowance:
    """How large a body may be and how long the answer may take: of a service, or of paths that need more."""

    max_body_bytes: int
    deadline_s: float


Exceptions = Sequence[tuple[re.Pattern[str], Allowance]]  # whole paths -> what is allowed there instead


class RequestMiddleware:
    def __init__(
        self,
        app: ASGIApp,
        *,
        service: str,
        usual: Allowance,
        exceptions: Exceptions = (),
        images_from: str | None = None,
        access_log: bool,
    ) -> None:
        self.app = app
        self.service = service
        self.usual = usual
        self.exceptions = exceptions
        self.access_log = access_log
        self._security_headers = security_headers(images_from)
        self._children: dict[tuple[str, str, int], tuple[Any, Any]] = {}  # metric children by label values

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = {name: value for name, value in scope["headers"] if name in (b"x-request-id", b"x-deadline-ms")}
        current = context.accept_or_make(given.get(b"x-request-id", b"").decode("latin-1"))
        started, status = time.perf_counter(), 500
        began = False  # whether the answer's head is out
        head_only = scope["method"] == "HEAD"
        if head_only:  # a GET whose body stays here
            scope = {**scope, "method": "GET"}

        async def send_with_headers(message: Message) -> None:
            nonlocal status, began
            if message["type"] == "http.response.start":
                status, began = message["status"], True
                headers = message.setdefault("headers", [])
                headers.append((b"x-request-id", current.encode()))
                headers.extend(self._security_headers)
            elif head_only:
                message = {**message, "body": b""}
            await send(message)

        token = context.request_id.set(current)
        try:
            allowed = self._allowance(scope["path"])
            with deadline.deadline(_seconds(allowed, given.get(b"x-deadline-ms"))):
                await self.app(scope, _limited(receive, allowed), send_with_headers)
        except Exception:
            _log.exception("unexpected error", method=scope["method"], path=scope["path"])
            if began:  # too late for a problem document: let the server cut the connection
                raise
            answer = problems.problem(
                500, "internal-error", "Internal error", "an unexpected error was logged under this request id",
                scope["path"],
            )  # fmt: skip
            await answer(scope, receive, send_with_headers)
        finally:
            self._count(scope, status, time.perf_counter() - started)
            context.request_id.reset(token)

    def _allowance(self, path: str) -> Allowance:
        return next((allowed for pattern, allowed in self.exceptions if pattern.fullmatch(path)), self.usual)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        key = (method, route, status)
        if key not in self._children:
            self._children[key] = (
                REQUESTS.labels(self.service, method, route, str(status)),
                SECONDS.labels(self.service, route),
            )
        requests, timing = self._children[key]
        requests.inc()
        timing.observe(seconds)
        if self.access_log or status >= 500:
            log = _log.warning if status >= 500 else _log.info
            log("request", method=scope["method"], path=scope["path"], status=status, ms=round(seconds * 1000, 1))


def _limited(receive: Receive, allowed: Allowance) -> Receive:
    """Counts the body as it arrives, with or without a Content-Length; the framework's own limit answers
    in plain text, outside of our problem documents."""
    left = allowed.max_body_bytes

    async def receive_limited() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413)
        return message

    return receive_limited


def _seconds(allowed: Allowance, given_ms: bytes | None) -> float:
    """The service's own deadline, or what the caller has left if that is less."""
    with contextlib.suppress(TypeError, ValueError):
        milliseconds = int(given_ms)  # type: ignore[arg-type]  # None raises TypeError
        return min(allowed.deadline_s, max(milliseconds, 1) / 1000)
    return allowed.deadline_s


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
