"""What a batch of rankings costs beside the bare matrix products that it cannot do without.

    python -m benchmarks.inference

Two networks with random weights rank all films for 1, 16 and 256 histories as long as they read: the causal one that
serves inside `blend`, and `bert4rec` with its default options. The products are those of all layers at all positions,
of the same shapes, on one torch thread as in serving. They take turns. (Ranking leaves out what the last block would
say of all tokens but one, so it may take less; bias by distance and convolution are no products, so they are extra.)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch

from recommender_api.models import blend
from recommender_api.models.base import Query
from recommender_api.models.bert4rec import Bert4Rec, Facts, Options
from recommender_api.transformer.network import Network
from recommender_api.vocabulary import Vocabulary

NETWORKS: Mapping[str, Options] = {
    "in `blend`": Options(**blend.sequence_model(blend.Options())),
    "`bert4rec`": Options(),
}
BATCHES = (1, 16, 256)
FILMS = (3_416, 60_000)
_LEAST_S = 1.0  # of measuring, for each
_MOST_ROUNDS = 200


@dataclass(frozen=True)
class Inference:
    network: str
    history: int  # films
    films: int  # that are ranked
    batch: int
    ranking_ms: float
    products_ms: float

    @property
    def ratio(self) -> float:
        return self.ranking_ms / self.products_ms


def measure(
    networks: Mapping[str, Options] = NETWORKS, films: Sequence[int] = FILMS, batches: Sequence[int] = BATCHES
) -> Iterator[Inference]:
    """One line for each network, number of films and size of batch: medians of what a call takes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for name, options in networks.items():
            for count in films:
                for batch in batches:
                    yield _measure(name, options, count, batch)
    finally:
        torch.set_num_threads(threads)


def _measure(name: str, options: Options, films: int, batch: int) -> Inference:
    torch.manual_seed(42)
    vocabulary = Vocabulary.of(f"{film:06}" for film in range(films))
    ranker = Bert4Rec(Network(films, options), vocabulary, options, Facts(1, 3.5))
    length = options.max_length - (not options.causal)  # the masked one reads a MASK behind them
    queries = _histories(films, batch, length)
    ranking, products = _in_turn([lambda: ranker.scores_batch(queries), _products(films, batch, options)])
    return Inference(name, length, films, batch, 1000 * ranking, 1000 * products)


def _histories(films: int, batch: int, length: int) -> list[Query]:
    rng = np.random.default_rng(42)
    times = np.arange(length)
    return [Query(rng.permutation(films)[:length], np.full(length, 4.0, np.float32), times) for _ in range(batch)]


def _products(films: int, batch: int, options: Options) -> Callable[[], object]:
    """The matrix products of one pass, and nothing else: no norm, no activation, no softmax, no memory to fill anew."""
    width, length, heads = options.hidden_size, options.max_length, options.heads
    x = torch.randn(batch * length, width)
    wide = torch.randn(batch * length, options.widening * width)
    qkv, out = torch.randn(width, 3 * width), torch.randn(width, width)
    up, down = torch.randn(width, options.widening * width), torch.randn(options.widening * width, width)
    q, k = torch.randn(batch * heads, length, width // heads), torch.randn(batch * heads, width // heads, length)
    attention, v = torch.randn(batch * heads, length, length), torch.randn(batch * heads, length, width // heads)
    last, items = torch.randn(batch, width), torch.randn(width, films)

    @torch.inference_mode()
    def run() -> None:
        for _ in range(options.layers):
            _ = x @ qkv
            _ = q @ k
            _ = attention @ v
            _ = x @ out
            _ = x @ up
            _ = wide @ down
        _ = last @ items

    return run


def _in_turn(works: Sequence[Callable[[], object]]) -> list[float]:
    """Median CPU seconds of each: it counts the same on a busy machine, and there is one thread."""
    spent: list[list[float]] = [[] for _ in works]
    for work in works:
        work()
    started = time.perf_counter()
    while len(spent[0]) < 3 or (time.perf_counter() - started < _LEAST_S and len(spent[0]) < _MOST_ROUNDS):
        for work, of_work in zip(works, spent, strict=True):
            begun = time.process_time()
            work()
            of_work.append(time.process_time() - begun)
    return [median(of_work) for of_work in spent]


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main("inference", __doc__)
