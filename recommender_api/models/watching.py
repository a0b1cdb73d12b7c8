"""How a slow `fit` is watched: progress, a validation measure between epochs, a folder for logs, a checkpoint.

Models that fit within seconds know nothing of this; those that train in epochs offer `fit_watched` beside `fit`, and
`recommender_api.training` calls it with a `Watch`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.models.base import Ranker
from service_kit.progress import NoProgress, Progress

CHECKPOINT_EVERY_S = 15.0
SELECTED_BY = "ndcg@10"  # the validation metric that decides which epoch is kept


@dataclass(frozen=True)
class Watch:
    validate: Callable[[Ranker], Mapping[str, float]] | None = None  # must give SELECTED_BY; None: the last epoch wins
    gains: Callable[[Ranker], np.ndarray] | None = None  # (C,) NDCG over the whole ranking, of each validation case
    progress: Progress = field(default_factory=NoProgress)
    log_dir: Path | None = None  # TensorBoard events go here
    stored: Callable[[str, str], Ranker] | None = None  # name and version ("": the newest) to one that may be built on
    checkpoint: Path | None = None  # file that says where training stands, for a resume
    checkpoint_every_s: float = field(default_factory=lambda: CHECKPOINT_EVERY_S)
    resume: bool = False  # go on from `checkpoint` instead of beginning


@runtime_checkable
class WatchedRanker(Protocol):
    """A ranker that trains in epochs."""

    @property
    def epochs_trained(self) -> int:
        """Of the weights that were kept: what a refit on more data needs."""

    @property
    def cpu_seconds(self) -> float:
        """Of all processes that trained it, also before an interrupt; validation excluded."""

    @classmethod
    def fit_watched(cls, data: TrainingData, options: Any, watch: Watch) -> Self:
        """Like `fit`, watched; the epoch that is best on validation wins."""
