"""Servers that fail the way real ones do, to be run with `tests.support.live`, and an address where nobody answers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Receive, Scope, Send


def answering(status: int, body: bytes, after_s: float = 0.0) -> ASGIApp:
    """Gives every request the same answer, some time later."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        await asyncio.sleep(after_s)
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": body})

    return app


FAILING: dict[str, ASGIApp] = {
    "hangs": answering(200, b"{}", after_s=5.0),
    "fails": answering(500, b'{"detail": "boom"}'),
    "is refused": answering(401, b'{"type": "urn:marquee:problem:unauthorized"}'),
    "is no JSON": answering(200, b"<html>"),
    "is another shape": answering(200, b'{"items": "many"}'),
    "is not finite": answering(200, b'{"items": [{"id": "1", "score": NaN}], "model": "m", "version": "1"}'),
}


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word, as a stopped process does."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(50)
        yield sock.getsockname()[1]


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
