"""MovieLens latest-small loaded, embedded and trained once per store: what the whole services are tried on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.real_data import real_dataset


@pytest.fixture(scope="session")
def movielens() -> Path:
    return real_dataset("ml-latest-small")


def setup(env: dict[str, str], dataset: Path, cwd: Path) -> None:
    """`marquee setup`: load, embed, train, choose. A fitted text model and light rankers keep it to some seconds."""
    command = [sys.executable, "-m", "marquee", "setup", "--dataset", str(dataset)]
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def prepare(movielens):
    """Prepares the store of an environment and gives the environment."""

    def run(home: Path, **more: str) -> dict[str, str]:
        env = processes.environment(home, MARQUEE_DEFAULT_MODELS="transitions,soup,regression", **more)
        setup(env, movielens, home)
        return env

    return run
