"""Train, measure, keep: what `marquee train` and `marquee up` call, the same for every model.

A model is fitted on the training part of a split and measured on the validation, on the test only where that is asked
for: every look at it is to be a decision. What is saved for serving is fitted on all ratings where that is cheap;
otherwise it is the measured model itself. `split.json` says which, so that nothing is ever tested on rows it has seen.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.evaluation.evaluate import Scorer, rank_all, ranking_metrics, validation_metrics
from recommender_api.evaluation.protocols import EvaluationProtocol, LeaveOneOut
from recommender_api.evaluation.splits import EVERYTHING, Split, check_unseen, check_vocabulary
from recommender_api.model_files import LoadedVersion, StoredVersion, list_versions, load_version, save_version
from recommender_api.models.base import Ranker
from recommender_api.models.registry import guarded, options_class, ranker_class
from recommender_api.models.watching import SELECTED_BY, Watch, WatchedRanker
from service_kit.errors import InvalidRequest
from service_kit.progress import NoProgress, Progress

KEPT = ("hr@10", "ndcg@10")  # of each part, in metrics.json
FIT_CPU_S = "fit_cpu_s"  # of the measured fit, in metrics.json
VALIDATION = f"validation_{SELECTED_BY}"  # the figure that versions and strategies are compared by


@dataclass(frozen=True)
class TrainedVersion:
    """What `train` did. `stored` is the version on disk, with its metrics and what it has seen."""

    stored: StoredVersion
    epochs_trained: int | None = None  # of a model that trains in epochs
    warnings: tuple[str, ...] = ()
    log_dir: Path | None = None  # where TensorBoard finds the curves; None when there are none


def train(
    name: str,
    data: TrainingData,
    options: Mapping[str, Any] | None = None,
    *,
    models_dir: Path,
    protocol: EvaluationProtocol | None = None,
    refit: bool | None = None,
    log_dir: Path | None = None,
    checkpoints_dir: Path | None = None,
    resume: bool = False,
    test: bool = False,
    progress: Progress | None = None,
) -> TrainedVersion:
    """Fit, measure on validation and with `test` on the test, save a new version (not activated).

    `options` are the ones that the caller chose; all others have the model's defaults. With `epochs` 0 nothing is
    fitted or saved: the newest stored version is measured instead, in its own shape, and each option that differs from
    it is a warning; one that was fitted on all ratings is refused. `refit` decides whether the saved version is fitted
    on all ratings (None: where that is cheap).
    A model that trains for long leaves in `checkpoints_dir` where it stands; `resume` goes on from there.
    Raises InvalidRequest for an option that the model does not have or a value that it cannot have.
    """
    given, progress = dict(options or {}), progress or NoProgress()
    split = (protocol or LeaveOneOut()).split(data)
    if given.get("epochs") == 0:
        del given["epochs"]
        return _measure_stored(name, given, split, models_dir, progress, test=test)
    chosen = make_options(name, given)
    checkpoint = checkpoint_path(name, chosen, split, checkpoints_dir, resume)
    watch = Watch(progress=progress, log_dir=log_dir, checkpoint=checkpoint, resume=resume)
    started = time.process_time()
    ranker = fit(name, split, chosen, watch, models_dir=models_dir)
    spent = getattr(ranker, "cpu_seconds", time.process_time() - started)
    metrics, seen = measure(ranker, split, progress, test=test) | {FIT_CPU_S: spent}, split.description
    epochs = ranker.epochs_trained if isinstance(ranker, WatchedRanker) else None
    if refit if refit is not None else getattr(ranker, "refit_is_cheap", True):
        if epochs is not None:
            chosen = dataclasses.replace(chosen, epochs=epochs)
        ranker, seen = _fit(name, data, chosen, Watch(progress=progress)), EVERYTHING
    stored = save_version(models_dir, ranker, metrics, seen)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return TrainedVersion(stored, epochs, log_dir=log_dir if log_dir is not None and log_dir.is_dir() else None)


def assist(
    name: str,
    data: TrainingData,
    options: Mapping[str, Any] | None = None,
    *,
    models_dir: Path,
    protocol: EvaluationProtocol | None = None,
    checkpoints_dir: Path | None = None,
    resume: bool = False,
) -> None:
    """What the other processes of a `torchrun` do while the first one is in `train`: the same fit, nothing written."""
    split, chosen = (protocol or LeaveOneOut()).split(data), make_options(name, options or {})
    watch = Watch(checkpoint=checkpoint_path(name, chosen, split, checkpoints_dir, resume), resume=resume)
    fit(name, split, chosen, watch, models_dir=models_dir)


def fit(name: str, split: Split, options: Any, watch: Watch | None = None, *, models_dir: Path | None = None) -> Ranker:
    """The model fitted on the training part; one that trains in epochs keeps the best on validation.

    What builds on other versions finds them in `models_dir`, those that were fitted on exactly this training part.
    """

    def validate(ranker: Ranker) -> dict[str, float]:
        return validation_metrics(ranker, split)

    def gains(ranker: Ranker) -> np.ndarray:
        return rank_all(ranker, split.validation, split.candidates).ranks.gains(len(split.candidates))

    def stored(wanted: str, version: str) -> Ranker:
        return stored_on(split, wanted, version, models_dir).ranker

    watch = dataclasses.replace(watch or Watch(), stored=stored)
    if split.validation:
        watch = dataclasses.replace(watch, validate=validate, gains=gains)
    return _fit(name, split.train, options, watch)


def stored_on(split: Split, name: str, version: str, models_dir: Path | None) -> LoadedVersion:
    """That version, or with "" the newest one fitted on this split. Raises InvalidRequest for one that saw more."""
    versions = list_versions(models_dir, name) if models_dir is not None else []
    for stored in versions:
        if stored.version == version or (not version and dict(stored.split) == dict(split.description)):
            check_unseen(name, stored.version, stored.split, split)
            return load_version(stored.folder.parent.parent, name, stored.version)
    raise InvalidRequest(
        f"There is no {f'version {version}' if version else 'version fitted on this split'} of {name}; "
        f"there are {', '.join(stored.version for stored in versions) or 'none'}."
    )


def checkpoint_path(name: str, options: Any, split: Split, folder: Path | None, resume: bool) -> Path | None:
    """Where training with these options on this data says where it stands; None for a model that fits in one go."""
    if folder is None or not getattr(ranker_class(name), "keeps_checkpoint", False):
        if resume:
            raise InvalidRequest(
                f"{name} keeps no checkpoint, so there is nothing to resume; train it without --resume."
            )
        return None
    identity = json.dumps([dataclasses.asdict(options), dict(split.description)], sort_keys=True)
    return folder / f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.safetensors"


def _fit(name: str, data: TrainingData, options: Any, watch: Watch) -> Ranker:
    ranker = ranker_class(name)
    if hasattr(ranker, "fit_watched"):
        with guarded(name):
            return cast(Ranker, ranker.fit_watched(data, options, watch))
    with watch.progress.task(f"fitting {name}"), guarded(name):
        return ranker.fit(data, options)


def measure(scorer: Scorer, split: Split, progress: Progress | None = None, *, test: bool = False) -> dict[str, float]:
    """Flat metrics for metrics.json: validation_ndcg@10 and so on, with `test` also test_ndcg@10."""
    cases = {"validation": split.validation} | ({"test": split.test} if test else {})
    found: dict[str, float] = {}
    for part, of_part in cases.items():
        if of_part:
            with (progress or NoProgress()).task(f"measuring on {part}", total=len(of_part)) as advance:
                measured = ranking_metrics(scorer, of_part, split.candidates, advance)
            found |= {f"{part}_{metric}": measured[metric] for metric in KEPT}
    return found


def make_options(name: str, given: Mapping[str, Any]) -> Any:
    """The model's `Options` with the given values. Raises InvalidRequest for a name or a value it does not take."""
    cls = options_class(name)
    known = {field.name for field in dataclasses.fields(cls)}
    if unknown := sorted(set(given) - known):
        raise InvalidRequest(f"{name} has no option {', '.join(unknown)}; it has {', '.join(sorted(known))}.")
    try:
        return cls(**given)
    except ValueError as error:
        raise InvalidRequest(f"{name}: {error}.") from None


def _measure_stored(
    name: str, given: Mapping[str, Any], split: Split, models_dir: Path, progress: Progress, *, test: bool
) -> TrainedVersion:
    versions = list_versions(models_dir, name)
    if not versions:
        raise InvalidRequest(f"There is no stored {name} to evaluate; train it with at least one epoch first.")
    loaded = load_version(models_dir, name, versions[0].version)
    check_vocabulary(f"{name} {loaded.stored.version}", loaded.ranker.vocabulary, split.train.vocabulary)
    check_unseen(name, loaded.stored.version, loaded.stored.split, split)
    wanted, has = make_options(name, given), getattr(loaded.ranker, "options", None)
    warnings = tuple(
        f"--{field.replace('_', '-')} {value} is ignored: the stored {name} has {getattr(has, field)}."
        for field, value in given.items()
        if has is not None and getattr(has, field) != getattr(wanted, field)
    )
    spent = {name: value for name, value in loaded.stored.metrics.items() if name == FIT_CPU_S}
    measured = dataclasses.replace(loaded.stored, metrics=measure(loaded.ranker, split, progress, test=test) | spent)
    return TrainedVersion(measured, getattr(loaded.ranker, "epochs_trained", None), warnings)


@dataclass(frozen=True)
class Choice:
    """What should serve: a trained version, or None where a strategy that needs no training is at least as good."""

    version: StoredVersion | None
    validation: Mapping[str, float]  # NDCG@10 of everybody who was compared


def on_validation(scorers: Mapping[str, Scorer], split: Split, progress: Progress | None = None) -> dict[str, float]:
    """NDCG@10 of each on the split's validation cases: what a version must beat to serve."""
    found = {}
    for name, scorer in scorers.items():
        with (progress or NoProgress()).task(f"measuring {name} on validation"):
            found[name] = validation_metrics(scorer, split)[SELECTED_BY]
    return found


def choose_active(candidates: Sequence[StoredVersion], to_beat: Mapping[str, float]) -> Choice:
    """The candidate with the highest validation NDCG@10, if it beats every figure of `on_validation`."""
    found = {version.name: version.metrics.get(VALIDATION, 0.0) for version in candidates}
    best = max(candidates, key=lambda version: found[version.name], default=None)
    if best is None or any(figure >= found[best.name] for figure in to_beat.values()):
        best = None
    return Choice(best, {**found, **to_beat})
