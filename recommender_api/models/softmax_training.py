"""The training loop of `softmax`: every film of every window is guessed from those before it.

All averages of all prefixes of a window are one product with a triangular matrix, so a window of 100 films is 100
examples at little more than the price of the output layer. Same seed, same weights. Nothing is written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recommender_api.data import TrainingData
from recommender_api.liking import SLACK
from recommender_api.models.base import Ranker
from recommender_api.models.item_table import liked_ratings
from recommender_api.models.softmax import Facts, Options, averaging, shapes
from recommender_api.models.watching import SELECTED_BY, Watch
from recommender_api.transformer.count_embeddings import count_embeddings

Weights = Mapping[str, np.ndarray]
AsRanker = Callable[[Weights, Facts], Ranker]  # to be validated
_START = 0.06  # standard deviation of the first embeddings


class Network(nn.Module):
    averages: Tensor

    def __init__(self, films: int, options: Options) -> None:
        super().__init__()
        self.kept = nn.ParameterDict({name: torch.zeros(shape) for name, shape in shapes(options, films).items()})
        self.dropout = nn.Dropout(options.dropout)
        self.register_buffer("averages", torch.from_numpy(prefix_averages(options.max_length)), persistent=False)

    def initialise(self, counts: np.ndarray, vectors: np.ndarray, generator: torch.Generator) -> None:
        """`counts` (V,): how often each film was liked; `vectors` (V, D): where the embeddings start from."""
        with torch.no_grad():
            for name in ("up_weight", "down_weight", "straight"):
                weight = self.kept[name]
                weight.normal_(0, weight.shape[1] ** -0.5, generator=generator)
            films = self.kept["films"]
            films.normal_(0, _START / 3, generator=generator)
            films.add_(torch.from_numpy(_START * vectors))
            width = films.shape[1]
            self.kept["straight"].mul_(0.1)[:, :width].add_(torch.eye(width))  # at first: what is like the latest film
            self.kept["output_bias"].copy_(torch.from_numpy(np.log((counts + 1) / (counts + 1).mean())))

    def forward(self, films: Tensor) -> Tensor:
        """(B, T) films, oldest first, to (B, T, D): what is known after each of them."""
        length = films.shape[1]
        embedded = self.kept["films"][films]  # (B, T, D)
        x = torch.einsum("stk,bkd->btsd", self.averages[:, :length, :length], embedded)  # (B, T, S, D)
        x = self.dropout(x.flatten(2))  # (B, T, S * D)
        hidden = self.dropout(F.relu(F.linear(x, self.kept["up_weight"], self.kept["up_bias"])))
        straight = F.linear(x, self.kept["straight"])
        return F.linear(hidden, self.kept["down_weight"], self.kept["down_bias"]) + straight

    def loss(self, films: Tensor) -> Tensor:
        """Cross-entropy over all films of each film but the first, given those before it."""
        known = self(films[:, :-1]).flatten(0, 1)  # (B * (T - 1), D)
        logits = F.linear(known, self.kept["films"], self.kept["output_bias"])
        return F.cross_entropy(logits, films[:, 1:].flatten())


def prefix_averages(length: int) -> np.ndarray:
    """(S, T, T) float32: row t averages the films up to t."""
    found = np.zeros((len(averaging(1)), length, length), np.float32)
    for last in range(length):
        found[:, last, : last + 1] = averaging(last + 1)
    return found


def train(data: TrainingData, options: Options, watch: Watch, as_ranker: AsRanker) -> tuple[Weights, Facts]:
    """What `softmax` keeps; the epoch that is best on validation wins."""
    started, validated = time.process_time(), 0.0
    learned = data.select(liked_ratings(data, SLACK))
    sequences = [history.items for history in learned.histories()]
    rng = np.random.default_rng(options.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)  # dropout draws from the global generator
        network = Network(data.n_items, options)
        network.initialise(
            np.bincount(learned.items, minlength=data.n_items).astype(np.float32),
            count_embeddings(learned, options.hidden_size)
            if options.start_from_counts
            else np.zeros((data.n_items, options.hidden_size), np.float32),
            torch.Generator().manual_seed(options.seed),
        )
        optimizer = torch.optim.Adam(
            network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay, betas=(0.9, 0.98)
        )

        def kept(epoch: int) -> tuple[dict[str, np.ndarray], Facts]:
            weights = {name: weight.detach().numpy().copy() for name, weight in network.kept.items()}
            return weights, Facts(data.global_mean, epoch, time.process_time() - started - validated)

        best, found = -1.0, kept(0)
        with watch.progress.task("training softmax", total=options.epochs) as advance:
            for epoch in range(1, options.epochs + 1):
                network.train()
                for group in optimizer.param_groups:
                    group["lr"] = options.learning_rate * (1 - (epoch - 1) / options.epochs)
                for films in batches(sequences, options, rng):
                    optimizer.zero_grad()
                    network.loss(torch.from_numpy(films)).backward()  # type: ignore[no-untyped-call]
                    optimizer.step()
                network.eval()
                advance(1)
                if watch.validate is None:
                    found = kept(epoch)
                elif epoch % options.validate_every == 0 or epoch == options.epochs:
                    paused, now = time.process_time(), kept(epoch)
                    measured = watch.validate(as_ranker(*now))[SELECTED_BY]
                    validated += time.process_time() - paused
                    if measured > best:
                        best, found = measured, now
    return found


def batches(sequences: list[np.ndarray], options: Options, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """(B, T) windows of one length each, in random order, so nothing is padded; the cuts fall elsewhere each time."""
    by_length: dict[int, list[np.ndarray]] = {}
    for sequence in sequences:
        for window in _windows(sequence, options.max_length + 1, rng):
            by_length.setdefault(len(window), []).append(window)
    found = []
    for length, windows in by_length.items():
        size = max(1, options.batch_size * options.max_length // length)
        order = rng.permutation(len(windows))
        found += [np.stack([windows[at] for at in order[i : i + size]]) for i in range(0, len(order), size)]
    for at in rng.permutation(len(found)):
        yield found[at]


def _windows(sequence: np.ndarray, length: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """All of a sequence in windows that overlap by one film, so that each film but the first is guessed once."""
    first = int(rng.integers(2, length + 1)) if len(sequence) > length else len(sequence)
    start, end = 0, first
    while end - start > 1:
        yield sequence[start:end]
        start, end = end - 1, min(end - 1 + length, len(sequence))
