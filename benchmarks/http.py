"""`GET /recommendations` under load, against a bare FastAPI `async def` JSON route in the same run.

    python -m benchmarks.http [--store URL] [--seconds 5] [--json]

Closed loop: each connection sends its next request when it has the answer. Over all users of the store, at 1 and 16
connections: the first time (nothing cached), repeated, and right after a new rating (only the GET is timed). Servers
are processes of their own; the client is bare sockets, so that it is not what is measured. Ratings are added to
users made for it, which are forgotten at the end.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from argparse import SUPPRESS
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.command import command, in_one_sentence, prepared

CONNECTIONS = (1, 16)
NEWCOMERS = 100
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Measured:
    what: str
    connections: int
    per_second: float
    share_of_bare: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float  # of the server, per request


class Connection:
    """One keep-alive HTTP/1.1 connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def call(self, method: str, path: str, body: Any = None) -> bytes:
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        self._writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 20"):
            raise RuntimeError(f"{method} {path}: {answer.splitlines()[0].decode()}")
        lines = answer.lower().split(b"\r\n")
        length = next((line for line in lines if line.startswith(b"content-length:")), b":0")  # none with a 204
        return await self._reader.readexactly(int(length.split(b":")[1]))


@contextmanager
def server(what: str, *arguments: str) -> Iterator[int]:
    """A process that serves `what`; its port."""
    line = [sys.executable, "-m", "benchmarks.http", "--serve", what, *arguments]
    env = {"OPENBLAS_NUM_THREADS": "1", **os.environ}  # as `marquee` does
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=_ROOT, env=env)
    try:
        assert process.stdout is not None
        port = process.stdout.readline()
        if not port:
            raise SystemExit(f"the {what} server did not start")
        yield int(port)
    finally:
        process.terminate()
        process.wait(10)


async def closed_loop(port: int, connections: int, seconds: float, paths: Iterator[str]) -> tuple[list[float], float]:
    """Seconds of each request, and the server's CPU seconds for all of them."""
    times: list[float] = []
    until = time.perf_counter() + seconds

    async def one(connection: Connection) -> None:
        while (begun := time.perf_counter()) < until and (path := next(paths, None)) is not None:
            await connection.call("GET", path)
            times.append(time.perf_counter() - begun)

    opened = [Connection(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(connections)]
    before = float(await opened[0].call("GET", "/_cpu"))
    await asyncio.gather(*(one(connection) for connection in opened))
    return times, float(await opened[0].call("GET", "/_cpu")) - before


async def after_ratings(port: int, films: list[str], connections: int, rounds: int) -> tuple[list[float], float]:
    """Seconds of each GET that comes right after a new rating of its user."""
    times: list[float] = []

    async def one(connection: Connection, user: str) -> None:
        for film in films[20 : 20 + rounds]:
            await connection.call("POST", "/update_ratings", {user: {"movie_id": film, "rating": 4}})
            begun = time.perf_counter()
            await connection.call("GET", f"/recommendations?user_id={user}")
            times.append(time.perf_counter() - begun)

    opened = [Connection(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(connections)]
    users = [f"benchmark-{place}" for place in range(connections)]
    for user, connection in zip(users, opened, strict=True):
        body = {user: {"movie_id": films[:20], "ratings": [4.0] * 20}}
        await connection.call("POST", "/update_ratings", body)
    before = float(await opened[0].call("GET", "/_cpu"))
    await asyncio.gather(*(one(*pair) for pair in zip(opened, users, strict=True)))
    cpu = float(await opened[0].call("GET", "/_cpu")) - before
    for user in users:
        await opened[0].call("DELETE", f"/v1/users/{user}")
    return times, cpu


def forever(paths: list[str]) -> Iterator[str]:
    while True:
        yield from paths


def measure(store: str | None, seconds: float, tell: Callable[[str], None]) -> list[Measured]:
    rows: list[Measured] = []
    bare: dict[int, float] = {}

    def row(what: str, connections: int, times: list[float], cpu: float, wall: float) -> None:
        times = sorted(times)
        rate = len(times) / wall
        bare.setdefault(connections, rate)
        found = Measured(
            what,
            connections,
            round(rate, 1),
            round(rate / bare[connections], 3),
            round(1000 * times[len(times) // 2], 2),
            round(1000 * times[int(len(times) * 0.99)], 2),
            round(1000 * cpu / len(times), 3),
        )
        rows.append(found)
        tell(
            f"{what:22} {connections:3} connections {found.per_second:9.1f}/s {found.share_of_bare:6.0%} of bare  "
            f"p50 {found.p50_ms:7.2f} ms  p99 {found.p99_ms:7.2f} ms  CPU {found.cpu_ms:6.3f} ms"
        )

    def timed(what: str, port: int, connections: int, limit: float, paths: Iterator[str]) -> None:
        begun = time.perf_counter()
        times, cpu = asyncio.run(closed_loop(port, connections, limit, paths))
        row(what, connections, times, cpu, time.perf_counter() - begun)

    arguments = ("--store", store) if store else ()
    with server("bare") as bare_port, server("core", *arguments) as port:
        users = asyncio.run(_users(port))
        paths = [f"/recommendations?user_id={quote(user)}" for user in users]
        for connections in CONNECTIONS:
            timed("bare async def route", bare_port, connections, seconds, forever(["/bare"]))
        timed("first time", port, 1, 600, iter(paths))
        for connections in CONNECTIONS:
            timed("repeated", port, connections, seconds, forever(paths))
        films = asyncio.run(_films(port))
        for connections in CONNECTIONS:
            begun = time.perf_counter()
            rounds = max(1, NEWCOMERS // connections)
            times, cpu = asyncio.run(after_ratings(port, films, connections, rounds))
            row("right after a rating", connections, times, cpu, time.perf_counter() - begun)
    return rows


async def _films(port: int) -> list[str]:
    connection = Connection(*await asyncio.open_connection("127.0.0.1", port))
    answer = json.loads(await connection.call("GET", "/recommendations?user_id=benchmark-nobody&k=200"))
    return [item["id"] for item in answer["items"]]


async def _users(port: int) -> list[str]:
    connection = Connection(*await asyncio.open_connection("127.0.0.1", port))
    return list(json.loads(await connection.call("GET", "/_users")))


def serve(what: str, store: str | None) -> None:
    """The server's end: the app of `what`, with a route that tells the CPU seconds used."""
    import uvicorn
    from fastapi import FastAPI

    from service_kit.serve import listen

    app: FastAPI
    if what == "bare":
        app = FastAPI()
        films = [{"id": str(n), "movie_id": str(n)} for n in range(10)]

        @app.get("/bare")
        async def bare() -> dict[str, Any]:
            return {"items": films}

    else:
        from core_api.app import create_app
        from core_api.core import Core
        from core_api.settings import CoreSettings
        from indexer import open_stores
        from marquee.wiring import recommender_in_process, store_settings

        url = store_settings(store).url
        stores = open_stores(url)
        core = Core(stores, recommender_in_process(), None, CoreSettings())
        app = create_app(core)

        @app.get("/_users")
        def users() -> list[str]:
            return [user for user, _ in stores.users.scan()]

    @app.get("/_cpu")
    async def cpu() -> float:
        return time.process_time()

    sock = listen("127.0.0.1", 0)
    print(sock.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False)).run(sockets=[sock])


@in_one_sentence()
def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--store", help="as for marquee; a loaded and trained one")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each row that could go on for ever")
    parser.add_argument("--json", action="store_true", help="also print the rows as JSON")
    parser.add_argument("--serve", choices=["bare", "core"], help=SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.store)
        return
    prepared(given.store)
    rows = measure(given.store, given.seconds, lambda line: print(line, file=sys.stderr, flush=True))
    if given.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))


if __name__ == "__main__":
    main()
