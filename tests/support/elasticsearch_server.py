"""A real Elasticsearch for tests, benchmarks and examples, stopped whatever happens to those who use it.

`shared_server` gives all pytest workers one: a guard process starts it and lets it live as long as somebody is
connected to the guard's port. A worker that ends, in whatever way, is a connection that closes.

    python -m tests.support.elasticsearch_server                 starts one, prints its URL, runs until Ctrl-C
    python -m tests.support.elasticsearch_server -- make bench   runs a command with ELASTICSEARCH_URL set
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from filelock import FileLock

from tests.support.elasticsearch_distribution import Unobtainable
from tests.support.elasticsearch_node import running_container, running_node

_ROOT = Path(__file__).parents[2]


@contextmanager
def any_server() -> Iterator[str]:
    """URL of a server: ELASTICSEARCH_URL, else one of our own from Maven, else from Docker. Raises Unobtainable."""
    with ExitStack() as stack:
        if url := os.environ.get("ELASTICSEARCH_URL"):
            yield url
            return
        try:
            started = stack.enter_context(running_node()).url
        except Unobtainable as missing:
            try:
                started = stack.enter_context(running_container())
            except Unobtainable as also_missing:
                raise Unobtainable(f"{missing}; {also_missing}; or set ELASTICSEARCH_URL to a running one") from None
        yield started


@contextmanager
def shared_server(folder: Path) -> Iterator[str]:
    """The server of all processes that pass the same folder: started by the first, stopped after the last."""
    if url := os.environ.get("ELASTICSEARCH_URL"):
        yield url
        return
    note = folder / "elasticsearch-server.json"
    with FileLock(folder / "elasticsearch-server.lock"):
        lease, url = _join(note) or _start_guard(note)
    with lease:
        yield url


def _join(note: Path) -> tuple[socket.socket, str] | None:
    """A lease on the server that is already there."""
    if not note.exists():
        return None
    known = json.loads(note.read_text())
    try:
        lease = socket.create_connection(("127.0.0.1", known["guard"]), timeout=5)
    except OSError:
        return None
    lease.settimeout(5)
    if lease.recv(1) != b"+":  # the guard greets as long as it means to go on
        lease.close()
        return None
    return lease, known["url"]


def _start_guard(note: Path) -> tuple[socket.socket, str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        guard = subprocess.Popen(
            [sys.executable, "-m", "tests.support.elasticsearch_server", "--guard", str(listener.fileno())],
            cwd=_ROOT,
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # what ends the tests' process group must not end the guard first
        )
        lease = socket.create_connection(("127.0.0.1", port), timeout=5)
    assert guard.stdout is not None
    with guard.stdout:
        told = json.loads(guard.stdout.readline() or '{"error": "the guard of Elasticsearch ended"}')
    if "error" in told:
        lease.close()
        guard.wait(30)
        raise Unobtainable(told["error"])
    note.write_text(json.dumps({"guard": port, "url": told["url"]}))
    threading.Thread(target=guard.wait, daemon=True).start()  # leaves no zombie
    return lease, told["url"]


def _guard(listener: socket.socket) -> None:
    """Greets every user and returns when the last one is gone."""
    leases: set[socket.socket] = {listener.accept()[0]}
    stopping = threading.Event()

    def watch() -> None:
        while leases:
            for ready in select.select([listener, *leases], [], [])[0]:
                if ready is listener:
                    lease = listener.accept()[0]
                    lease.sendall(b"+")
                    leases.add(lease)
                else:  # nobody ever writes: readable means closed
                    leases.discard(ready)
                    ready.close()
        listener.close()
        stopping.set()
        os.kill(os.getpid(), signal.SIGTERM)  # the main thread may still be starting the server

    signal.signal(signal.SIGTERM, _exit)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=watch, daemon=True).start()
    try:
        with any_server() as url:
            print(json.dumps({"url": url}), flush=True)
            stopping.wait()
    except Unobtainable as missing:
        print(json.dumps({"error": str(missing)}), flush=True)


def _exit(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(0)  # unwinds the contexts, which stop the server


def _main(arguments: list[str]) -> int:
    if arguments[:1] == ["--guard"]:
        _guard(socket.socket(fileno=int(arguments[1])))
        return 0
    signal.signal(signal.SIGTERM, _exit)
    try:
        with any_server() as url:
            if arguments[:1] == ["--"]:
                return subprocess.run(arguments[1:], env={**os.environ, "ELASTICSEARCH_URL": url}).returncode
            print(url, flush=True)
            signal.pause()
    except Unobtainable as missing:
        print(missing, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
