"""How soon `marquee up` is ready when everything is there, against a bare `import torch`; and what it then occupies.

The two take turns, so that whatever else the machine does hits both. Ready means: `/healthz/ready` answers 200 and a
user's recommendations come from the store and the ranker; the encoder is still being imported then.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import httpx


@dataclass(frozen=True)
class Restart:
    ready_s: float
    import_torch_s: float
    ratio: float  # median of the turns' ratios
    strategy: str  # of the first answer
    memory_ready_mb: float
    memory_settled_mb: float  # with the encoder loaded


def measure(environment: Mapping[str, str], rounds: int = 5) -> Restart:
    pairs, strategy, first, settled = [], "", 0.0, 0.0
    for turn in range(rounds + 1):  # the first one warms the disk cache
        bare = _import_torch(environment)
        with _up(environment) as (process, url, ready):
            strategy = httpx.get(f"{url}/recommendations", params={"user_id": "18"}).headers["X-Marquee-Strategy"]
            first = _resident_mb(process.pid)
            if turn == rounds:
                settled = _settled_mb(process.pid, url)
        if turn:
            pairs.append((ready, bare))
    return Restart(
        median(ready for ready, _ in pairs),
        median(bare for _, bare in pairs),
        median(ready / bare for ready, bare in pairs),
        strategy,
        first,
        settled,
    )


def _import_torch(environment: Mapping[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], env=environment, check=True)
    return time.perf_counter() - started


@contextmanager
def _up(environment: Mapping[str, str]) -> Iterator[tuple[subprocess.Popen[str], str, float]]:
    """A `marquee up` on a free port, its URL, and the seconds that it took to be ready."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "marquee", "up", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise SystemExit("marquee up ended before it was ready")
        httpx.get(f"{url}/healthz/ready").raise_for_status()
        yield process, url, time.perf_counter() - started
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _settled_mb(pid: int, url: str) -> float:
    until = time.monotonic() + 120
    while httpx.get(f"{url}/healthz/ready").json()["degraded"].get("embedding") and time.monotonic() < until:
        time.sleep(0.5)
    return _resident_mb(pid)


def _resident_mb(pid: int) -> float:
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(shown.stdout) / 1024


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main("restart", __doc__)
