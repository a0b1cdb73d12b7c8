"""The core's own strategies, popular and neighbours, in the shape in which models are evaluated.

Both go through the very functions that serve (`core_api.popular.scores`, `core_api.neighbours.scores`); only the store
is replaced by the columns of the training data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from core_api import neighbours, popular
from core_api.settings import CoreSettings
from indexer.types import Statistics
from marquee.wiring import read_settings
from recommender_api.data import TrainingData
from recommender_api.evaluation.evaluate import Scorer
from recommender_api.evaluation.splits import Split
from recommender_api.models.base import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = ("popular", "neighbours")
DAY_S = 86_400.0


def strategies(split: Split) -> Mapping[str, Scorer]:
    """Fitted on the split's training part, as the settings say; neighbours only where films have vectors."""
    most_popular = Popular(split.train, read_settings(CoreSettings).half_life_days)
    if split.train.vectors is None:
        return {"popular": most_popular}
    return {"popular": most_popular, "neighbours": Neighbours(split.train, most_popular)}


class Popular:
    """One list for everybody. "Now" is the time of the last training rating."""

    def __init__(self, data: TrainingData, half_life_days: float) -> None:
        self._scores = np.zeros(data.n_items, np.float32)  # (V,)
        statistics = decayed_statistics(data, half_life_days)
        rows, _ = data.vocabulary.rows(statistics.movie_ids)
        self._scores[rows] = popular.scores(statistics)

    def scores(self, query: Query) -> np.ndarray:  # noqa: ARG002
        return self._scores


class Neighbours:
    """Nearness to what the user liked, and popularity; a film without a vector is near to nothing."""

    def __init__(self, data: TrainingData, most_popular: Popular) -> None:
        assert data.vectors is not None
        self._vectors = data.vectors  # (V, D), zeros where a film has none
        self._prior = popular.familiarity(most_popular.scores(Query()))  # (V,)

    def scores(self, query: Query) -> np.ndarray:
        return neighbours.scores(query.ratings, self._vectors[query.items], self._vectors, self._prior)


def decayed_statistics(data: TrainingData, half_life_days: float) -> Statistics:
    """Popularity as the store computes it, from columns."""
    now = int(data.timestamps.max()) if len(data) else 0
    ages = (now - data.timestamps) / DAY_S
    weights = np.exp2(-ages / half_life_days)
    counts = np.bincount(data.items, minlength=data.n_items)
    sums = np.bincount(data.items, weights=data.ratings, minlength=data.n_items)
    decayed = np.bincount(data.items, weights=weights, minlength=data.n_items)
    rated = np.flatnonzero(counts)
    order = rated[np.argsort(-decayed[rated], kind="stable")]
    ids: Sequence[str] = data.vocabulary.ids
    return Statistics(
        computed_at=now,
        movie_ids=tuple(ids[row] for row in order),
        popularity=tuple(decayed[order].tolist()),
        counts=tuple(counts[order].tolist()),
        means=tuple((sums[order] / counts[order]).tolist()),
        global_mean=data.global_mean,
    )
