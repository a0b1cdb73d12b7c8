"""Compare models and strategies on one split: what `marquee evaluate` calls.

Each model is fitted on the training part, or a stored version is taken: one that was fitted on exactly that part, or
the one that is named, which may have seen less. All are measured on the test part by `evaluation`. Keeps nothing: that
is `recommender_api.training`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from recommender_api.data import RATINGS, TrainingData
from recommender_api.evaluation.evaluate import K, Scorer, evaluate
from recommender_api.evaluation.history_length import ByLength, by_length
from recommender_api.evaluation.leaderboard import Leaderboard, Origin
from recommender_api.evaluation.protocols import EvaluationProtocol, LeaveOneOut, RandomRatings
from recommender_api.evaluation.splits import Split
from recommender_api.model_files import LoadedVersion, list_versions, load_version
from recommender_api.models.base import Ranker
from recommender_api.models.watching import Watch
from recommender_api.training import FIT_CPU_S, fit, make_options, stored_on
from service_kit.errors import InvalidRequest
from service_kit.progress import NoProgress, Progress

_SEED = 1  # of the draw of users


@dataclass(frozen=True)
class Comparison:
    board: Leaderboard
    lengths: ByLength | None = None


@dataclass(frozen=True)
class Contestant:
    """A model: one stored version of it, or as it is fitted on the split."""

    model: str
    version: str | None = None  # None: it is fitted, unless a stored version of exactly this split can stand for it
    options: Mapping[str, Any] | None = None  # that differ from the defaults; then no stored version stands for it


@dataclass(frozen=True)
class Contestants:
    """Who is compared: models by the name of their row, and other scorers."""

    models: Mapping[str, Contestant]
    others: Callable[[Split], Mapping[str, Scorer]] = lambda _split: {}  # such as the core's strategies
    models_dir: Path | None = None  # where stored versions are found


@dataclass(frozen=True)
class _Entry:
    """A contestant that can be measured."""

    ranker: Ranker
    origin: Origin


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

    Models that predict are also fitted, with the same options, on the random 70/30 split for RMSE and MAE, unless the
    protocol has ratings to predict itself, or the data has none. Raises InvalidRequest where the protocol finds nobody
    to ask in this data, and for a version that is not there or has seen the answers.
    """
    progress = progress or NoProgress()
    split = (protocol or LeaveOneOut()).split(data)
    if not split.test:
        raise InvalidRequest(
            f"The data has nobody whom the protocol {split.description['protocol']} could ask: a user needs ratings "
            "for training and for the test; take more data or another protocol."
        )
    entries = _entries(contestants, split, progress)
    scorers = {**contestants.others(split), **_rankers(entries)}
    if users is not None:
        split = _asking(split, users)
    origins = {name: entry.origin for name, entry in entries.items()}
    board = evaluate(scorers, split, progress, k).with_origins(origins)
    by = by_length(scorers, split, lengths, k, progress) if lengths else None
    predicting = {name: entry for name, entry in entries.items() if _predicts(entry.ranker, split)}
    if predicting and not split.rating_test and RATINGS not in data.implied:
        ratings = RandomRatings().split(data)
        again = _entries(replace(contestants, models=_alike(predicting)), ratings, progress)
        board = board.joined(evaluate(_rankers(again), ratings, progress))
    return Comparison(board, by)


def _asking(split: Split, users: int) -> Split:
    """The same split with at most so many test cases of rankings: the same ones for everybody."""
    chosen = np.random.default_rng(_SEED).choice(len(split.test), min(users, len(split.test)), replace=False)
    return replace(split, test=[split.test[case] for case in np.sort(chosen)])


def _entries(contestants: Contestants, split: Split, progress: Progress) -> dict[str, _Entry]:
    """By name. What is refused is refused before anything is fitted."""
    models, models_dir = contestants.models, contestants.models_dir
    stored = {name: found for name, one in models.items() if (found := _stored(one, split, models_dir)) is not None}
    options = {name: make_options(one.model, one.options or {}) for name, one in models.items() if name not in stored}
    return {
        name: _taken(stored[name]) if name in stored else _fitted(one.model, options[name], split, models_dir, progress)
        for name, one in models.items()
    }


def _stored(one: Contestant, split: Split, models_dir: Path | None) -> LoadedVersion | None:
    """The version that is asked for, else the newest one that was fitted on exactly this split."""
    if one.version is not None:
        return stored_on(split, one.model, one.version, models_dir)
    if one.options is not None or models_dir is None:
        return None
    versions = (stored for stored in list_versions(models_dir, one.model) if stored.split == split.description)
    newest = next(versions, None)
    return load_version(models_dir, newest.name, newest.version) if newest else None


def _taken(found: LoadedVersion) -> _Entry:
    stored, options = found.stored, getattr(found.ranker, "options", None)
    told = None if options is None else _given(options)
    return _Entry(found.ranker, Origin(stored.name, stored.version, told, stored.metrics.get(FIT_CPU_S)))


def _fitted(model: str, options: Any, split: Split, models_dir: Path | None, progress: Progress) -> _Entry:
    started = time.process_time()
    ranker = fit(model, split, options, Watch(progress=progress), models_dir=models_dir)
    spent = getattr(ranker, "cpu_seconds", time.process_time() - started)
    return _Entry(ranker, Origin(model, options=_given(options), fit_cpu_s=spent))


def _given(options: Any) -> dict[str, Any]:
    return {field.name: getattr(options, field.name) for field in fields(options)}


def _alike(entries: Mapping[str, _Entry]) -> dict[str, Contestant]:
    """To be fitted on another split with the options that each has here; who does not tell them is left out."""
    return {
        name: Contestant(entry.origin.model, options=entry.origin.options)
        for name, entry in entries.items()
        if entry.origin.options is not None
    }


def _rankers(entries: Mapping[str, _Entry]) -> dict[str, Scorer]:
    return {name: entry.ranker for name, entry in entries.items()}


def _predicts(scorer: Scorer, split: Split) -> bool:
    """Whether it answers with ratings when asked about one case."""
    predict = getattr(scorer, "predict", None)
    if predict is None:
        return False
    query = split.test[0].query
    return predict(query, query.items[:1]) is not None
