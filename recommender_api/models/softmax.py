"""A history as averages of its films, through a small tower, to a softmax over all films.

The candidate network of Covington, Adams and Sargin 2016 ("Deep neural networks for YouTube recommendations"): no
order but recency, so it is far cheaper than a transformer, and a new rating counts at once.

    x = the history averaged at several paces (weights exp(-age / pace); no pace: all films alike)   (S, D)
    score(u, i) = v_i . tower(x) + c_i

Changed from the paper: three averages instead of one, so that the latest film speaks for itself; the full softmax
instead of a sampled one (at some thousand films it costs the same); films go in and come out by one embedding; only
watched films are features. Only liked films enter, disliked ones push films like them away. Ranks, predicts no
ratings. Learned with PyTorch (`softmax_training`), served with numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.liking import SLACK, liked
from recommender_api.models.base import Query
from recommender_api.models.folding import Pull, push_away
from recommender_api.models.watching import Watch
from recommender_api.vocabulary import Vocabulary
from recommender_api.weights import (
    ModelFileError,
    check_rows,
    place,
    read_arrays,
    read_config,
    write_arrays,
    write_config,
)

PACES = (1.0, 8.0, np.inf)  # films after which one counts e times less


@dataclass(frozen=True)
class Options:
    hidden_size: int = 64  # D
    max_length: int = 100  # latest liked films that are averaged
    dropout: float = 0.2  # of the averages and of the tower
    learning_rate: float = 0.003
    weight_decay: float = 1e-5
    batch_size: int = 32  # windows of max_length films
    epochs: int = 4  # each some 10 CPU seconds for 100,000 ratings of 10,000 films
    validate_every: int = 1  # epochs
    start_from_counts: bool = True  # embeddings begin as factored co-occurrence, not as noise
    dislike: float = 2.0  # log odds that a film loses for being just like one that was disliked
    seed: int = 42

    def __post_init__(self) -> None:
        for name in ("hidden_size", "max_length", "batch_size", "epochs", "validate_every", "learning_rate"):
            if not 0 < getattr(self, name) <= 1e6:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be 0 to below 1, not {self.dropout}")


@dataclass(frozen=True)
class Facts:
    mean_rating: float
    epochs_trained: int
    cpu_seconds: float


class Softmax:
    name: ClassVar[str] = "softmax"

    def __init__(
        self, vocabulary: Vocabulary, options: Options, facts: Facts, weights: Mapping[str, np.ndarray]
    ) -> None:
        """`weights`: see `shapes`."""
        self.vocabulary = vocabulary
        self.options = options
        self.facts = facts
        self.weights = dict(weights)

    @classmethod
    def fit(cls, data: TrainingData, options: Options | None = None) -> Self:
        return cls.fit_watched(data, options or Options(), Watch())

    @classmethod
    def fit_watched(cls, data: TrainingData, options: Options, watch: Watch) -> Self:
        from recommender_api.models.softmax_training import train  # it needs PyTorch

        def ranker(weights: Mapping[str, np.ndarray], facts: Facts) -> Softmax:
            return cls(data.vocabulary, options, facts, weights)

        weights, facts = train(data, options, watch, ranker)
        return cls(data.vocabulary, options, facts, weights)

    @property
    def epochs_trained(self) -> int:
        return self.facts.epochs_trained

    @property
    def cpu_seconds(self) -> float:
        return self.facts.cpu_seconds

    def scores(self, query: Query) -> np.ndarray:
        mean = self.facts.mean_rating
        pulls = liked(query.ratings, mean, SLACK) & ~np.isin(query.items, query.avoid)
        films = query.items[pulls][-self.options.max_length :]
        found = self.weights["films"] @ self._tower(films) + self.weights["output_bias"]  # (V,)
        away = Pull.of(query, mean).away
        return np.asarray(found - self.options.dislike * push_away(self.weights["films"], away), np.float32)

    def _tower(self, films: np.ndarray) -> np.ndarray:
        """(D,) from the liked films, oldest first."""
        weights = self.weights
        x = (averaging(len(films)) @ weights["films"][films]).reshape(-1)  # (S * D,)
        hidden = np.maximum(weights["up_weight"] @ x + weights["up_bias"], 0)  # (2 D,)
        return np.asarray(weights["down_weight"] @ hidden + weights["down_bias"] + weights["straight"] @ x)

    def predict(self, query: Query, items: np.ndarray) -> np.ndarray | None:  # noqa: ARG002
        return None

    def save(self, folder: Path) -> None:
        write_config(folder, self.options, **asdict(self.facts))
        write_arrays(folder, self.weights)

    @classmethod
    def load(cls, folder: Path, vocabulary: Vocabulary) -> Self:
        options, given = read_config(folder, Options)
        wanted = shapes(options, len(vocabulary))
        weights = read_arrays(folder, set(wanted))
        check_rows(folder, "the weights", len(weights["output_bias"]), len(vocabulary))
        for name, array in weights.items():
            if array.shape != wanted[name] or not np.isfinite(array).all():
                raise ModelFileError(f"{place(folder)}: {name} have the wrong shape or are not finite; train again.")
        return cls(vocabulary, options, Facts(**given), weights)


def shapes(options: Options, films: int) -> dict[str, tuple[int, ...]]:
    """The arrays of a model, float32."""
    width, averages = options.hidden_size, len(PACES) * options.hidden_size
    return {
        "films": (films, width),
        "output_bias": (films,),
        "up_weight": (2 * width, averages),
        "up_bias": (2 * width,),
        "down_weight": (width, 2 * width),
        "down_bias": (width,),
        "straight": (width, averages),  # past the layers
    }


def averaging(length: int) -> np.ndarray:
    """(S, T) weights over a history, latest film last, that sum to 1; to nothing without a film."""
    ages = np.arange(length)[::-1].astype(np.float32)
    weights = np.exp(-ages / np.array(PACES, np.float32)[:, None])  # (S, T)
    return np.asarray(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12), np.float32)
