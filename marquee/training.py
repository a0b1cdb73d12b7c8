"""What `train`, `evaluate`, `setup` and `up` share: from a store or a folder to trained, measured versions."""

from __future__ import annotations

import secrets
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marquee.settings import SetupSettings
from marquee.wiring import opened_stores, read_settings
from service_kit.errors import InvalidRequest
from service_kit.progress import NoProgress, Progress

if TYPE_CHECKING:
    from indexer.ports import Stores
    from recommender_api.comparison import Comparison
    from recommender_api.data import TrainingData
    from recommender_api.evaluation.protocols import EvaluationProtocol
    from recommender_api.settings import RecommenderSettings
    from recommender_api.training import TrainedVersion


def recommender_settings() -> RecommenderSettings:
    from recommender_api.settings import RecommenderSettings

    return read_settings(RecommenderSettings)


def options_of(model: str) -> type[Any]:
    """The dataclass of the model's options. Raises ModelUnavailable for a name that is not registered."""
    from recommender_api.models.registry import options_class

    return options_class(model)


def needs_vectors(model: str) -> bool:
    from recommender_api.models.registry import ranker_class

    return bool(getattr(ranker_class(model), "needs_vectors", False))


def read_data(data: Path | None, store: str | None, progress: Progress) -> TrainingData:
    """From a file of sequences, an exported folder, a data set as it was published, else from the store."""
    from recommender_api.data import read_training_data

    if data is None:
        with opened_stores(store) as stores:
            if not stores.users.count().ratings:
                raise InvalidRequest(
                    "the store holds no ratings: load a data set first, say marquee load ml-latest-small"
                )
            with exported(stores, progress) as folder:
                return read_training_data(folder)
    if (data / "manifest.json").is_file():
        return read_training_data(data)
    if data.is_file() and not zipfile.is_zipfile(data):
        return read_file(data, progress)
    return read_dataset(data, progress)


def read_file(path: Path, progress: Progress) -> TrainingData:
    """A file of sequences, read once and then taken from the cache. Ids stay as they are in the file."""
    from recommender_api.sequence_files import SequenceCache, read_sequences

    settings = recommender_settings()
    with progress.task(f"reading {path.name}"):
        return read_sequences(path, cache=SequenceCache(settings.sequence_cache_dir, settings.sequence_cache_bytes))


def read_dataset(path: Path, progress: Progress) -> TrainingData:
    """Without vectors: what needs those trains from a store."""
    from indexer.datasets import DatasetSettings, find_dataset, open_dataset
    from indexer.export import export_dataset
    from recommender_api.data import read_training_data

    settings = read_settings(DatasetSettings)
    found = find_dataset(path, settings, or_demo=False, progress=progress)
    with job_folder("export") as folder:
        export_dataset(open_dataset(found.path, settings), folder, progress=progress)
        return read_training_data(folder)


@contextmanager
def exported(stores: Stores, progress: Progress) -> Iterator[Path]:
    """The store's data in a folder that is gone afterwards."""
    from indexer.export import export

    with job_folder("export") as folder:
        export(stores, folder, progress=progress)
        yield folder


@contextmanager
def job_folder(name: str) -> Iterator[Path]:
    """A place under MARQUEE_HOME for what one job needs while it runs."""
    jobs = read_settings(SetupSettings).home / "jobs"
    jobs.mkdir(parents=True, exist_ok=True)
    folder = jobs / f"{name}-{secrets.token_hex(4)}"
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def with_defaults(model: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options given, and those that the environment sets for every model that has them."""
    from embedding_generator.settings import EmbeddingSettings

    known = options_of(model).__dataclass_fields__
    set_for_all = {
        "max_length": read_settings(SetupSettings).sequence_length,
        "device": read_settings(EmbeddingSettings).device,
    }
    return {name: value for name, value in set_for_all.items() if name in known and value is not None} | dict(given)


def train(
    model: str,
    given: Mapping[str, Any],
    data: Path | None,
    store: str | None,
    *,
    protocol: str = "leave-one-out",
    resume: bool = False,
    activate: bool,
    test: bool = False,
    progress: Progress,
) -> TrainedVersion | None:
    """Fit on the protocol's training part, measure, save a version; with `activate` services follow it.

    It is measured on the validation, with `test` on the test too.

    Of several processes that torchrun started the first does all this, the others help it to fit and answer None.
    """
    from recommender_api import training
    from recommender_api.model_files import activate as follow
    from recommender_api.transformer.processes import rank

    options = with_defaults(model, given)
    if rank() > 0:
        settings = recommender_settings()
        training.assist(
            model,
            read_data(data, store, NoProgress()),
            options,
            models_dir=settings.models_dir,
            protocol=protocol_named(protocol),
            checkpoints_dir=settings.checkpoints_dir,
            resume=resume,
        )
        return None
    trained = train_on(model, read_data(data, store, progress), options, progress, protocol, resume=resume, test=test)
    if activate:
        follow(recommender_settings().models_dir, model, trained.stored.version)
    return trained


def train_on(
    model: str,
    data: TrainingData,
    options: Mapping[str, Any],
    progress: Progress,
    protocol: str = "leave-one-out",
    *,
    resume: bool = False,
    test: bool = False,
) -> TrainedVersion:
    from recommender_api import training

    settings = recommender_settings()
    log_dir = settings.home / "logs" / "tensorboard" / f"{model}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    return training.train(
        model,
        data,
        options,
        models_dir=settings.models_dir,
        protocol=protocol_named(protocol),
        log_dir=log_dir,
        checkpoints_dir=settings.checkpoints_dir,
        resume=resume,
        test=test,
        progress=progress,
    )


def protocol_named(name: str) -> EvaluationProtocol:
    """Raises InvalidRequest for a name that is none."""
    from recommender_api.evaluation.protocols import PROTOCOLS

    if name not in PROTOCOLS:
        raise InvalidRequest(f"there is no protocol {name!r}; there are {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]()


def compare(
    models: Sequence[str],
    data: TrainingData,
    protocol: str,
    progress: Progress,
    *,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    k: int = 10,
    lengths: Sequence[int] = (),
    users: int | None = None,
) -> Comparison:
    """Models and the core's strategies on one split.

    `models` are words as `marquee evaluate` takes them (`marquee.contestants`); `options` those of a row, by its name,
    that is to be fitted with them.
    """
    from marquee.contestants import contestants
    from marquee.strategies import strategies
    from recommender_api import comparison

    split_by = protocol_named(protocol)
    models_dir = recommender_settings().models_dir
    who = comparison.Contestants(contestants(models, options), others=strategies, models_dir=models_dir)
    return comparison.compare(who, data, split_by, k=k, lengths=lengths, users=users, progress=progress)
