"""The training loop of BERT4Rec: cloze batches, Adam with warm-up and cosine, the best epoch by validation is kept.

Everything random comes from `options.seed`, so on one machine the same seed gives the same weights. Nothing is written
but TensorBoard events; an interrupt leaves the model folder as it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from recommender_api.data import TrainingData
from recommender_api.models.base import Ranker
from recommender_api.models.bert4rec import Network, Options, choose_device, pad_left
from recommender_api.models.count_embeddings import count_embeddings
from recommender_api.models.transitions import liked_ratings
from recommender_api.models.watching import SELECTED_BY, Watch

AsRanker = Callable[[Network, int], Ranker]  # the network after so many epochs, to be validated


def fit(data: TrainingData, options: Options, watch: Watch, as_ranker: AsRanker) -> tuple[Network, int]:
    """Train from scratch; returns the kept network and how many epochs it has seen."""
    if options.liked_only:
        data = data.select(liked_ratings(data, options.liked_slack))
    device = choose_device(options.device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(options.seed)  # dropout draws from the global generator
        generator = torch.Generator().manual_seed(options.seed)
        network = Network(len(data.vocabulary), options)
        counts = torch.from_numpy(np.bincount(data.items, minlength=data.n_items)).float()  # (V,)
        network.initialise(counts, _start(data, options, watch), generator)
        return _train(network.to(device), [history.items for history in data.histories()], options, watch, as_ranker)


def _start(data: TrainingData, options: Options, watch: Watch) -> Tensor:
    """(V, D) of unit variance, or zeros: what the random item embeddings are moved by."""
    if not options.start_from_counts:
        return torch.zeros(data.n_items, options.hidden_size)
    with watch.progress.task("counting what is watched near what"):
        return torch.from_numpy(count_embeddings(data, options.hidden_size))


def _train(
    network: Network, sequences: Sequence[np.ndarray], options: Options, watch: Watch, as_ranker: AsRanker
) -> tuple[Network, int]:
    rng = np.random.default_rng(options.seed)
    steps = options.epochs * len(batches(sequences, options, np.random.default_rng(options.seed)))
    optimizer = torch.optim.Adam(network.parameters(), lr=options.learning_rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, max(steps, 1), options))
    best, best_epoch, best_state = -1.0, options.epochs, None
    with _event_log(watch.log_dir) as log, watch.progress.task("training bert4rec", total=options.epochs) as advance:
        for epoch in range(1, options.epochs + 1):
            loss = _epoch(network, batches(sequences, options, rng), options, optimizer, schedule, rng)
            log("loss/train", loss, epoch)
            log("learning_rate", float(schedule.get_last_lr()[0]), epoch)
            advance(1)
            if watch.validate is None or (epoch % options.validate_every and epoch != options.epochs):
                continue
            for metric, value in (measured := watch.validate(as_ranker(network, epoch))).items():
                log(f"validation/{metric}", value, epoch)
            if measured[SELECTED_BY] > best:
                best, best_epoch = measured[SELECTED_BY], epoch
                best_state = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
            elif epoch - best_epoch >= options.patience * options.validate_every:
                break
    if best_state is not None:
        network.load_state_dict(best_state)
    return network.eval(), best_epoch


def _epoch(
    network: Network,
    epoch_batches: Sequence[Sequence[np.ndarray]],
    options: Options,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
    rng: np.random.Generator,
) -> float:
    """One pass over all sequences; returns the mean loss of its steps."""
    network.train()
    device, losses = network.device, []
    for sequences in epoch_batches:
        tokens = pad_left(sequences, network.pad)  # (B, T)
        masked = choose_masked(tokens != network.pad, options, rng)  # (B, T)
        loss = cloze_loss(network, tokens.to(device), masked.to(device))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), options.clip_norm)
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    network.eval()
    return float(torch.stack(losses).mean()) if losses else math.nan


def cloze_loss(network: Network, tokens: Tensor, masked: Tensor) -> Tensor:
    """Cross-entropy over all V films at the masked positions, and nowhere else. Both (B, T)."""
    hidden = network(tokens.masked_fill(masked, network.mask))  # (B, T, D)
    return F.cross_entropy(network.logits(hidden[masked]), tokens[masked])  # (M, V) against (M,)


def choose_masked(real: Tensor, options: Options, rng: np.random.Generator) -> Tensor:
    """Which of the real positions (B, T) to mask: a random share, or only the last, as when ranking."""
    rows, length = real.shape
    masked = torch.from_numpy(rng.random((rows, length)) < options.mask_probability) & real
    only_last = torch.from_numpy(rng.random(rows) < options.last_item_share) | ~masked.any(dim=1)
    masked[only_last] = False
    masked[only_last, -1] = True  # padding is on the left: the last column is always real
    return masked


def batches(sequences: Sequence[np.ndarray], options: Options, rng: np.random.Generator) -> list[list[np.ndarray]]:
    """One epoch: every film of every sequence once, in batches of like length, in random order."""
    windows = [window for sequence in sequences for window in cut(sequence, options.max_length, rng)]
    rng.shuffle(windows)
    windows.sort(key=len)  # stable: windows of one length stay shuffled
    grouped = [windows[at : at + options.batch_size] for at in range(0, len(windows), options.batch_size)]
    rng.shuffle(grouped)
    return grouped


def cut(sequence: np.ndarray, length: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """A sequence in windows of at most `length`; the cuts of a longer one fall elsewhere in every epoch."""
    first = len(sequence) if len(sequence) <= length else int(rng.integers(1, length + 1))
    for end in range(first, len(sequence) + length, length):
        window = sequence[max(0, end - length) : end]
        if len(window) > 1:  # a film alone has no context to be guessed from
            yield window


def rate(step: int, steps: int, options: Options) -> float:
    """Share of the learning rate at a step: linear warm-up, then a cosine down to `final_rate`."""
    warmup = min(options.warmup_steps, steps // 4)
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return options.final_rate + (1 - options.final_rate) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


class _Log(Protocol):
    def __call__(self, name: str, value: float, epoch: int) -> None: ...


@contextmanager
def _event_log(folder: Path | None) -> Iterator[_Log]:
    """TensorBoard events in the folder; nowhere without one."""
    if folder is None:
        yield lambda name, value, epoch: None  # noqa: ARG005
        return
    from torch.utils.tensorboard.writer import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        yield writer.add_scalar
