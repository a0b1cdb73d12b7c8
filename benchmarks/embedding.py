"""How fast films are embedded, as a share of the bare `SentenceTransformer.encode` on the same texts in one run.

Rounds alternate, so that whatever else the machine does hits all alike; CPU seconds are compared beside wall time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Rate:
    texts_per_s: float  # median of the rounds
    share: float  # of bare encode, median over the rounds
    cpu_share: float  # the same in CPU seconds: less noise on a busy machine


def measure(texts: Sequence[str], *, rounds: int = 5, batch: int = 256) -> dict[str, Rate]:
    """Rates of the engine in the process and of the service over a socket, callers giving `batch` texts a call."""
    from sentence_transformers import SentenceTransformer

    from embedding_generator.app import create_app
    from embedding_generator.engine import EmbeddingEngine
    from embedding_generator.http import HttpEmbedder
    from embedding_generator.sentence_encoder import SentenceEncoder
    from embedding_generator.sentence_models import locate
    from embedding_generator.settings import EmbeddingSettings
    from service_kit.http import ServiceClient
    from tests.support.live import live

    settings = EmbeddingSettings(_env_file=None)
    located = locate(settings.embedding_model, None, Path("none"))
    bare = SentenceTransformer(str(located.folder), device="cpu", local_files_only=True)
    engine = EmbeddingEngine(SentenceEncoder(located, device="cpu", batch=settings.embedding_batch), settings)
    with live(create_app(engine, settings)) as url:
        client = ServiceClient("embedding", url)
        over_http = HttpEmbedder(client)
        seconds = _alternate(
            {
                "bare encode": lambda: bare.encode(list(texts), batch_size=32, show_progress_bar=False),
                "engine": lambda: [engine.embed(part, bulk=True) for part in _parts(texts, batch)],
                "service": lambda: [over_http.embed(part, bulk=True) for part in _parts(texts, batch)],
            },
            rounds,
        )
        client.close()
    base = seconds["bare encode"]
    return {
        name: Rate(
            len(texts) / median(wall for wall, _ in took),
            median(b / t for (b, _), (t, _) in zip(base, took, strict=True)),
            median(b / t for (_, b), (_, t) in zip(base, took, strict=True)),
        )
        for name, took in seconds.items()
    }


def _alternate(work: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """(wall, CPU) seconds of each piece of work in each round; the first, unmeasured round warms up."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    for turn in range(rounds + 1):
        for name in np.roll(list(work), turn).tolist():
            wall, cpu = time.perf_counter(), time.process_time()
            work[name]()
            if turn:
                took[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return took


def _parts(texts: Sequence[str], size: int) -> list[Sequence[str]]:
    return [texts[start : start + size] for start in range(0, len(texts), size)]


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main("embedding", __doc__)
