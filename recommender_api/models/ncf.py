"""Neural collaborative filtering (He et al. 2017, WWW): how a user's and a film's vector go together is learned.

    z(u, i) = constant + b_u + b_i + h . (p_u * q_i) + g . tower([p'_u, q'_i])

`kind` says which parts there are: `gmf` the product, `mlp` the tower, `neumf` both, and `plain` the product with h = 1,
vectors of 50 and biases. `learns` says of what: `ratings`, scaled to 0..1 with a logistic z (then it predicts ratings),
or `watched`, liked films against drawn ones as in the paper (then it only ranks, by z).

Changed from the paper: biases; everybody is folded in when asked, so no user is stored and unknown ones are answered:
the user's vectors minimise the training loss over the history with films and tower fixed. The network is in
`ncf_network`, learned with PyTorch (`ncf_training`), served with numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.models.base import Query
from recommender_api.models.factors import SPAN
from recommender_api.models.folding import HIGHEST, LOWEST, Local, Pull, logistic, newton, push_away
from recommender_api.models.ncf_network import Facts, Films, Options, shapes, stars_of
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

__all__ = ["Ncf", "Options"]

_STEPS = 6
_DRAWN = 500  # films that stand for all those that a user has not watched


class Ncf:
    name: ClassVar[str] = "ncf"

    def __init__(
        self, vocabulary: Vocabulary, options: Options, facts: Facts, weights: Mapping[str, np.ndarray]
    ) -> None:
        """`weights`: see `ncf_network.shapes`."""
        self.vocabulary = vocabulary
        self.options = options
        self.facts = facts
        self.weights = dict(weights)
        self._everybody = self.weights["everybody"].astype(np.float64)  # (P,) where a user is before they rate
        self._films = Films.of(options, facts, self.weights)
        self._looks = np.concatenate([self._films.product, self.weights["tower_vectors"]], axis=1)  # (V, D or 2 D)
        drawn = np.random.default_rng(options.seed).permutation(len(vocabulary))[:_DRAWN]
        self._drawn = np.sort(drawn)
        popularity = options.popularity if options.learns == "ratings" else 0.0
        self._prior = popularity * np.log1p(self.weights["counts"])  # (V,)

    @classmethod
    def fit(cls, data: TrainingData, options: Options | None = None) -> Self:
        return cls.fit_watched(data, options or Options(), Watch())

    @classmethod
    def fit_watched(cls, data: TrainingData, options: Options, watch: Watch) -> Self:
        from recommender_api.models.ncf_training import train  # it needs PyTorch

        def ranker(weights: Mapping[str, np.ndarray], facts: Facts) -> Ncf:
            return cls(data.vocabulary, options, facts, weights)

        weights, facts = train(data, options, watch, ranker)
        return cls(data.vocabulary, options, facts, weights)

    @property
    def epochs_trained(self) -> int:
        return self.facts.epochs_trained

    @property
    def cpu_seconds(self) -> float:
        return self.facts.cpu_seconds

    def known_as(self, attributes: Mapping[str, str]) -> Self:
        """This model for somebody of whom these attributes are known, such as {"gender": "F"}; others are ignored."""
        rows = [self.facts.attributes[key] for key in map("=".join, attributes.items()) if key in self.facts.attributes]
        told = self.weights["attributes"][rows].sum(axis=0, dtype=np.float32)
        return type(self)(self.vocabulary, self.options, self.facts, self.weights | {"everybody": told})

    def scores(self, query: Query) -> np.ndarray:
        """What was disliked takes no part in the user's vectors: it pushes films like it away."""
        pull = Pull.of(query, self.facts.mean_rating)
        z = self._films.z(self.user(pull.items, pull.ratings))  # (V,)
        found = (z if self.options.learns == "watched" else stars_of(z)) + self._prior
        return np.asarray(found - self.options.dislike * push_away(self._looks, pull.away), np.float32)

    def predict(self, query: Query, items: np.ndarray) -> np.ndarray | None:
        if self.options.learns == "watched":
            return None
        z = self._films.at(items).z(self.user(query.items, query.ratings))
        return np.asarray(np.clip(stars_of(z), LOWEST, HIGHEST), np.float32)  # (N,)

    def user(self, items: np.ndarray, ratings: np.ndarray) -> np.ndarray:
        """Bias and vectors (P,) of somebody with these T ratings."""
        near = self._watched(items) if self.options.learns == "watched" else self._rated(items, ratings)
        return np.asarray(self._everybody + newton(near, self.options.penalties, _STEPS))

    def _rated(self, items: np.ndarray, ratings: np.ndarray) -> Callable[[np.ndarray], Local]:
        """Squared errors in stars."""
        films = self._films.at(items)

        def near(change: np.ndarray) -> Local:
            z, jacobian = films.z_and_slopes(self._everybody + change)
            value = stars_of(z)
            error, rows = ratings - value, jacobian * ((value - LOWEST) * (HIGHEST - value) / SPAN)[:, None]
            return Local(float(error @ error), rows, error + rows @ change)

        return near

    def _watched(self, items: np.ndarray) -> Callable[[np.ndarray], Local]:
        """Twice the logistic loss: what was watched against the drawn films, which stand for `negatives` a film."""
        items = np.unique(items)
        others = np.setdiff1d(self._drawn, items)
        films = self._films.at(np.concatenate([items, others]))
        label = np.repeat([1.0, 0.0], [len(items), len(others)])  # (T + M,)
        share = self.options.negatives * len(items) / max(1, len(others))
        weight = np.where(label == 1, 1.0, share)

        def near(change: np.ndarray) -> Local:
            z, jacobian = films.z_and_slopes(self._everybody + change)
            chance = logistic(z)
            curvature = np.maximum(chance * (1 - chance), 1e-3)
            loss = 2 * float(weight @ (np.logaddexp(0.0, z) - label * z))
            root = np.sqrt(weight * curvature)
            targets = jacobian @ change + (label - chance) / curvature
            return Local(loss, root[:, None] * jacobian, root * targets)

        return near

    def save(self, folder: Path) -> None:
        write_config(folder, self.options, **asdict(self.facts))
        write_arrays(folder, self.weights)

    @classmethod
    def load(cls, folder: Path, vocabulary: Vocabulary) -> Self:
        options, given = read_config(folder, Options)
        facts = Facts(**given)
        wanted = shapes(options, len(vocabulary), len(facts.attributes))
        weights = read_arrays(folder, set(wanted))
        check_rows(folder, "the weights", len(weights["biases"]), len(vocabulary))
        for name, array in weights.items():
            if array.shape != wanted[name] or not np.isfinite(array).all():
                raise ModelFileError(f"{place(folder)}: {name} have the wrong shape or are not finite; train again.")
        return cls(vocabulary, options, facts, weights)
