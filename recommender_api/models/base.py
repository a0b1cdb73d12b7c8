"""What every ranker is: a class with one method to fit, one to score, two to keep it on disk.

A new model is one file beside this one and a line in `recommender_api.models.registry`. The engine translates ids
to rows and back, so a model sees only integers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.vocabulary import Vocabulary

_EMPTY_IDS = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """What is known of a user, in rows of the model's vocabulary; films it does not know are already gone."""

    items: np.ndarray = field(default_factory=lambda: _EMPTY_IDS)  # (T,) int64, oldest first
    ratings: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))  # (T,)
    timestamps: np.ndarray = field(default_factory=lambda: _EMPTY_IDS)  # (T,) seconds
    avoid: np.ndarray = field(default_factory=lambda: _EMPTY_IDS)  # (A,) films to be pushed away from


class Ranker(Protocol):
    """Scores are finite; higher is better; only their order matters. Same query, same scores."""

    name: ClassVar[str]
    vocabulary: Vocabulary  # of V films

    @classmethod
    def fit(cls, data: TrainingData, options: Any) -> Self:
        """Learn from the data. Options are the model's own frozen dataclass, named `Options` in its file."""

    def scores(self, query: Query) -> np.ndarray:
        """(V,) float32 for any query, also an empty one."""

    def predict(self, query: Query, items: np.ndarray) -> np.ndarray | None:
        """Ratings (N,) that the user would give these films, 0.5 to 5; None for a model that only ranks."""

    def save(self, folder: Path) -> None:
        """Write weights and config (not vocabulary.json nor the manifest: `model_files` writes those)."""

    @classmethod
    def load(cls, folder: Path, vocabulary: Vocabulary) -> Self:
        """Read what `save` wrote; raises `ModelFileError` where weights and vocabulary disagree, with both sizes."""


@runtime_checkable
class PlacedRanker(Protocol):
    """A ranker that can be told where to run; without that, on the CPU."""

    def place(self, device: str, threads: int) -> None:
        """Score on that device (auto, cpu, cuda, mps), a call on so many CPU threads. Raises ModelUnavailable."""


def is_personal(ranker: type[Ranker]) -> bool:
    """Whether a rating of a user's changes their ranking at once. A ranker that answers everybody alike says
    `personal = False`."""
    return bool(getattr(ranker, "personal", True))
