"""What the first start costs, step by step, each as the command that a user would type, from nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    what: str
    seconds: float  # of the whole command, the start of Python included
    items: int
    unit: str


def measure(environment: Mapping[str, str], dataset: str) -> list[Step]:
    """Runs load, embed and train on an empty MARQUEE_HOME, which is then ready for the other benchmarks."""
    from indexer import open_stores
    from marquee.wiring import store_settings

    steps = [("load", ["load", dataset]), ("embed", ["embed"]), ("train the default models", ["setup"])]
    seconds = {what: _timed(command, environment) for what, command in steps}
    stores = open_stores(store_settings(None).url)
    ratings, films, vectors = stores.users.count().ratings, stores.movies.count(), stores.vectors.count()
    stores.close()
    return [
        Step("load", seconds["load"], ratings + films, "ratings and films"),
        Step("embed", seconds["embed"], vectors, "films"),
        Step("train the default models", seconds["train the default models"], ratings, "ratings"),
    ]


def _timed(arguments: list[str], environment: Mapping[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "marquee", *arguments], env=environment, check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main("steps", __doc__)
