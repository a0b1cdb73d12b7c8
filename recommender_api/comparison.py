"""Compare models and strategies on one split: what `marquee evaluate` calls.

Each model is fitted on the training part, or a stored version is taken that was fitted on exactly that part; all are
measured on the test part by `evaluation`. Keeps nothing: that is `recommender_api.training`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from recommender_api.data import RATINGS, TrainingData
from recommender_api.evaluation.evaluate import K, Scorer, evaluate
from recommender_api.evaluation.history_length import ByLength, by_length
from recommender_api.evaluation.leaderboard import Leaderboard
from recommender_api.evaluation.protocols import EvaluationProtocol, LeaveOneOut, RandomRatings
from recommender_api.evaluation.splits import Split
from recommender_api.model_files import StoredVersion, list_versions, load_version
from recommender_api.models.watching import Watch
from recommender_api.training import FIT_CPU_S, fit, make_options
from service_kit.errors import InvalidRequest
from service_kit.progress import NoProgress, Progress

_SEED = 1  # of the draw of users


@dataclass(frozen=True)
class Comparison:
    board: Leaderboard
    lengths: ByLength | None = None


@dataclass(frozen=True)
class Contestants:
    """Who is compared: models by name, with options that differ from their defaults, and other scorers."""

    names: Sequence[str]
    others: Callable[[Split], Mapping[str, Scorer]] = lambda _split: {}  # such as the core's strategies
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    models_dir: Path | None = None  # where a stored version may be found, for a model without options


def compare(
    contestants: Contestants,
    data: TrainingData,
    protocol: EvaluationProtocol | None = None,
    *,
    k: int = K,
    lengths: Sequence[int] = (),
    users: int | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """The leaderboard, and with `lengths` the table by history length; of all users, or of so many, drawn once.

    Models that predict are also fitted on the random 70/30 split for RMSE and MAE, unless the protocol has ratings to
    predict itself, or the data has none. Raises InvalidRequest where the protocol finds nobody to ask in this data.
    """
    progress = progress or NoProgress()
    split = (protocol or LeaveOneOut()).split(data)
    if not split.test:
        raise InvalidRequest(
            f"The data has nobody whom the protocol {split.description['protocol']} could ask: a user needs ratings "
            "for training and for the test; take more data or another protocol."
        )
    scorers, cpu_s = _fitted(contestants, split, progress)
    if users is not None:
        split = _asking(split, users)
    board = evaluate(scorers, split, progress, k).with_fit_seconds(cpu_s)
    by = by_length(scorers, split, lengths, k, progress) if lengths else None
    predicting = [name for name in contestants.names if _predicts(scorers[name], split)]
    if predicting and not split.rating_test and RATINGS not in data.implied:
        ratings = RandomRatings().split(data)
        models = Contestants(predicting, options=contestants.options, models_dir=contestants.models_dir)
        board = board.joined(evaluate(_fitted(models, ratings, progress)[0], ratings, progress))
    return Comparison(board, by)


def _asking(split: Split, users: int) -> Split:
    """The same split with at most so many test cases of rankings: the same ones for everybody."""
    chosen = np.random.default_rng(_SEED).choice(len(split.test), min(users, len(split.test)), replace=False)
    return replace(split, test=[split.test[case] for case in np.sort(chosen)])


def _fitted(
    contestants: Contestants, split: Split, progress: Progress
) -> tuple[Mapping[str, Scorer], Mapping[str, float]]:
    """By name, the scorers; and the CPU seconds of their fits where those are known."""
    scorers: dict[str, Scorer] = dict(contestants.others(split))
    cpu_s: dict[str, float] = {}
    for name in contestants.names:
        stored = _stored(contestants, name, split)
        if stored is None:
            started = time.process_time()
            options = make_options(name, contestants.options.get(name, {}))
            ranker = fit(name, split, options, Watch(progress=progress), models_dir=contestants.models_dir)
            scorers[name] = ranker
            cpu_s[name] = getattr(ranker, "cpu_seconds", time.process_time() - started)
        else:
            scorers[name] = load_version(stored.folder.parents[1], name, stored.version).ranker
            if FIT_CPU_S in stored.metrics:
                cpu_s[name] = stored.metrics[FIT_CPU_S]
    return scorers, cpu_s


def _stored(contestants: Contestants, name: str, split: Split) -> StoredVersion | None:
    """The newest version that was fitted on exactly this split."""
    if contestants.models_dir is None or name in contestants.options:
        return None
    versions = list_versions(contestants.models_dir, name)
    return next((stored for stored in versions if stored.split == split.description), None)


def _predicts(scorer: Scorer, split: Split) -> bool:
    """Whether it answers with ratings when asked about one case."""
    predict = getattr(scorer, "predict", None)
    if predict is None:
        return False
    query = split.test[0].query
    return predict(query, query.items[:1]) is not None
