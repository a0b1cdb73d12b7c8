"""From histories to what the network is asked: windows, batches of like length, and the two objectives.

    causal   reads a b c   guesses b c d    behind every film the next one
    masked   reads a ? c   guesses   b      a random share of the films, or only the last, as when ranking

Everything random comes from the generator that is passed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recommender_api.transformer.options import Options

NOTHING = -1  # target where nothing is asked


@dataclass(frozen=True)
class Examples:
    """One batch."""

    tokens: Tensor  # (B, T) int64, what the network reads
    targets: Tensor  # (B, T) int64, the film to guess behind or at each token; NOTHING elsewhere
    causal: bool

    @property
    def asked(self) -> Tensor:
        return self.targets != NOTHING  # (B, T)

    def share(self, rank: int, size: int) -> Examples:
        """Every `size`-th row. With too few rows for all, one that asks nothing: each process must take its step."""
        if rank >= len(self.tokens):
            return Examples(self.tokens[:1], torch.full_like(self.targets[:1], NOTHING), self.causal)
        return Examples(self.tokens[rank::size], self.targets[rank::size], self.causal)

    def to(self, device: torch.device) -> Examples:
        return Examples(self.tokens.to(device), self.targets.to(device), self.causal)


def causal_examples(windows: Sequence[np.ndarray], pad: int) -> Examples:
    return Examples(
        pad_right([window[:-1] for window in windows], pad),
        pad_right([window[1:] for window in windows], NOTHING),
        True,
    )


def masked_examples(
    windows: Sequence[np.ndarray], pad: int, mask: int, options: Options, rng: np.random.Generator
) -> Examples:
    films = pad_right(windows, pad)  # (B, T)
    masked = choose_masked(films != pad, options, rng)
    return Examples(films.masked_fill(masked, mask), films.masked_fill(~masked, NOTHING), False)


def choose_masked(real: Tensor, options: Options, rng: np.random.Generator) -> Tensor:
    """Which of the real positions (B, T) to mask: a random share, or only the last, as when ranking."""
    rows, length = real.shape
    masked = torch.from_numpy(rng.random((rows, length)) < options.mask_probability) & real
    only_last = torch.from_numpy(rng.random(rows) < options.last_item_share) | ~masked.any(dim=1)
    masked[only_last] = False
    masked[only_last, real.sum(dim=1)[only_last] - 1] = True
    return masked


def batches(
    sequences: Sequence[np.ndarray], options: Options, causal: bool, rng: np.random.Generator
) -> list[list[np.ndarray]]:
    """One epoch: windows of every sequence, in batches of like length, in random order."""
    length = options.max_length + causal  # the last film of a causal window is only guessed, never read
    windows = [window for sequence in sequences for window in cut(sequence, length, options, rng)]
    rng.shuffle(windows)
    windows.sort(key=len)  # stable: windows of one length stay shuffled
    grouped = [windows[at : at + options.batch_size] for at in range(0, len(windows), options.batch_size)]
    rng.shuffle(grouped)
    return grouped


def cut(sequence: np.ndarray, length: int, options: Options, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Windows of at most `length`, of at least two films: one alone has no context to be guessed from.

    All of a long sequence, cut elsewhere in every epoch; or with `windows` one its latest films, now and then others.
    """
    ends: Sequence[int] = [len(sequence)]
    if len(sequence) > length and options.windows == "all":
        ends = range(int(rng.integers(1, length + 1)), len(sequence) + length, length)
    elif len(sequence) > length and rng.random() < options.random_window:
        ends = [int(rng.integers(length, len(sequence) + 1))]
    for end in ends:
        window = sequence[max(0, end - length) : end]
        if len(window) > 1:
            yield window


def pad_right(sequences: Sequence[np.ndarray], pad: int) -> Tensor:
    """Token rows of any length -> (B, longest) int64."""
    padded = np.full((len(sequences), max(map(len, sequences))), pad, np.int64)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return torch.from_numpy(padded)
