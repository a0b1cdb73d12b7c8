"""`marquee` as a process of its own: started with a home of its own, waited for, stopped whatever happens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
STARTING_S = 120.0  # on a busy machine
STOPPING_S = 30.0


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's environment without its MARQUEE_ variables, with a home, and with real but fast models."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MARQUEE_", "COV_"))}
    ours = {
        "MARQUEE_HOME": str(home),
        "MARQUEE_EMBEDDING_MODEL": "lsa",
        "MARQUEE_DEFAULT_MODELS": "transitions,regression",
        "MARQUEE_OFFLINE": "true",
    }
    return {**kept, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", **ours, **more}


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Process:
    """A running command; what it prints is collected line by line."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        self.child = subprocess.Popen(
            list(command),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=self._collect, args=pair, daemon=True)
            for pair in ((self.child.stdout, self.out), (self.child.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _collect(stream: Any, lines: list[str]) -> None:
        with stream:
            lines.extend(line.rstrip("\n") for line in stream)

    def wait_for(self, condition: Any, what: str, seconds: float = STARTING_S) -> None:
        """Until the condition holds; fails with what the process said when it ends or takes too long."""
        until = time.monotonic() + seconds
        while not condition():
            ended = self.child.poll() is not None
            if ended or time.monotonic() > until:
                why = f"ended with {self.child.returncode}" if ended else f"took more than {seconds:g} s"
                raise AssertionError(f"waiting for {what}: the process {why}\n{self.said()}")
            time.sleep(0.05)

    def wait_healthy(self, url: str, seconds: float = STARTING_S) -> None:
        self.wait_for(lambda: answers(url), url, seconds)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        self.child.send_signal(number)
        code = self.child.wait(STOPPING_S)
        self.stop_reading()
        return code

    def stop_reading(self) -> None:
        """Until all that an ended process printed has been collected."""
        for reader in self._readers:
            reader.join(5)

    def kill(self) -> None:
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait(STOPPING_S)

    def said(self) -> str:
        return "\n".join([*self.out, "--- stderr ---", *self.err[-40:]])


@contextmanager
def marquee(*arguments: str, env: Mapping[str, str], cwd: Path) -> Iterator[Process]:
    """`marquee ARGUMENTS`, killed at the end if it still runs."""
    with process([sys.executable, "-m", "marquee", *arguments], env=env, cwd=cwd) as running:
        yield running


@contextmanager
def process(command: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> Iterator[Process]:
    running = Process(command, env, cwd)
    try:
        yield running
    finally:
        running.kill()


def answers(url: str) -> bool:
    """Whether a GET is answered 2xx."""
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False
