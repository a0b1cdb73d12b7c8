"""The steps from nothing to recommendations: load, embed, train. Each does only what is missing; any may be repeated.

`marquee setup` runs them one after the other, `marquee up` beside a server that already answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core_api.preparation import TRAINING_RECORD
from marquee.output import say
from marquee.settings import SetupSettings
from marquee.wiring import embedder_over_http, read_settings
from service_kit.errors import ModelUnavailable, ServiceError
from service_kit.progress import Progress

if TYPE_CHECKING:
    from embedding_generator.client import Embedder
    from embedding_generator.engine import EmbeddingEngine
    from embedding_generator.settings import EmbeddingSettings
    from indexer.ports import Stores
    from indexer.summary import LoadSummary
    from indexer.types import WriteReport
    from recommender_api.model_files import StoredVersion

EMBED_BATCH = 256  # films handed to the embedder at once; it cuts and sorts them itself


@dataclass(frozen=True)
class Loaded:
    summary: LoadSummary
    report_file: Path | None  # rows that were set aside, if any


def load(stores: Stores, dataset: str, *, merge: bool = False, full: bool = False, progress: Progress) -> Loaded:
    """Find the data set, read it into the store, write down what was set aside.

    One whose films have TMDB ids only adds to the films of a store that holds others.
    """
    from core_api.settings import CoreSettings
    from indexer.datasets import DatasetSettings, find_dataset, open_dataset
    from indexer.enrich import enrich
    from indexer.load import DOCUMENT, load_dataset

    settings = read_settings(DatasetSettings)
    found = find_dataset(dataset, settings, progress=progress)
    if found.note:
        say(found.note)
    opened = open_dataset(found.path, settings, full=full)
    if opened.is_by_tmdb_id and (not opened.has_movies or (stores.meta.read(DOCUMENT) or {}).keys() - {opened.name}):
        summary = enrich(stores, opened, progress)
    else:
        half_life_days = read_settings(CoreSettings).half_life_days
        summary = load_dataset(stores, opened, merge=merge, half_life_days=half_life_days, progress=progress)
    report_file = None
    if len(opened.report):
        report_file = settings.home / "logs" / f"load-{opened.name}.csv"
        report_file.parent.mkdir(parents=True, exist_ok=True)
        opened.report.write_report(report_file)
    return Loaded(summary, report_file)


def load_if_empty(stores: Stores, dataset: str | None, progress: Progress) -> None:
    """Load the data set asked for; the default one only into a store that holds none."""
    from indexer.datasets import DatasetSettings, find_dataset, open_dataset
    from indexer.load import DOCUMENT, is_loaded

    settings = read_settings(DatasetSettings)
    stored = stores.meta.read(DOCUMENT) or {}
    if dataset is None:
        if any(entry["complete"] for entry in stored.values()) or (not stored and stores.movies.count()):
            return say(f"load: {', '.join(stored) or 'your own films'} already there")
        dataset = next(iter(stored), None) or read_settings(SetupSettings).dataset
    found = find_dataset(dataset, settings, progress=progress)
    if is_loaded(stores, open_dataset(found.path, settings)):
        return say(f"load: {dataset} already there")
    loaded = load(stores, dataset, progress=progress)
    summary = loaded.summary
    counts = f"{summary.movies:,} movies, {summary.ratings:,} ratings, {summary.users:,} users"
    say(f"load: {counts} in {summary.seconds:.1f} s")
    if loaded.report_file is not None:
        say(f"load: {sum(summary.set_aside.values()):,} rows set aside, see {loaded.report_file}")
    for failure in summary.failures[:10]:
        say(f"load: not stored: {failure.id}: {failure.reason}")
    return None


def engine_or_lsa(stores: Stores, settings: EmbeddingSettings) -> EmbeddingEngine:
    """The embedding engine that fits the store: the model of the settings, else one fitted on the catalogue.

    Vectors that the fitted model made go on with it until `marquee embed --rebuild`.
    """
    from embedding_generator.lazy import load_engine
    from embedding_generator.lsa import NAME

    if not wants_fitted(stores, settings):
        try:
            return load_engine(settings)
        except ModelUnavailable as error:
            if "embedding_model" in settings.model_fields_set:
                raise
            say(f"{error.detail}; falling to latent semantic analysis (--model {NAME}), fitted on the catalogue")
    fit_if_missing(stores, settings)
    return load_engine(settings.model_copy(update={"embedding_model": NAME}))


def wants_fitted(stores: Stores, settings: EmbeddingSettings) -> bool:
    """Whether the model fitted on the catalogue is asked for, or is the one that made the stored vectors."""
    from embedding_generator.lsa import NAME

    if "embedding_model" in settings.model_fields_set:
        return settings.embedding_model == NAME
    space = stores.vectors.space()
    return space is not None and space.model.startswith(f"{NAME}@")


def fit_if_missing(stores: Stores, settings: EmbeddingSettings) -> None:
    """Fitting the same films again gives the same model, so a lost one comes back as it was."""
    from embedding_generator.lsa import NAME, is_lsa

    if not is_lsa(settings.embedding_models_dir / NAME):
        fit_on_catalogue(stores, settings)


def fit_on_catalogue(stores: Stores, settings: EmbeddingSettings) -> None:
    from embedding_generator.lsa import NAME, fit_lsa
    from indexer.text import movie_text

    fit_lsa([movie_text(movie) for movie in stores.movies.scan()], settings.embedding_models_dir / NAME)


def embed(stores: Stores, model: str | None, *, rebuild: bool, progress: Progress) -> WriteReport:
    """`marquee embed`: with the embedding service where one is set, else with an engine of its own."""
    from embedding_generator.lsa import NAME
    from embedding_generator.settings import EmbeddingSettings
    from indexer.embed import embed_pending, rebuild_vectors

    settings = read_settings(EmbeddingSettings, embedding_model=model)
    space = stores.vectors.space()
    if settings.embedding_model == NAME and (rebuild or space is None or not space.model.startswith(f"{NAME}@")):
        with progress.task(f"fitting {NAME} on {stores.movies.count():,} films"):
            fit_on_catalogue(stores, settings)
    with embedder_of(stores, settings, progress, own=model is not None) as embedder:
        work = rebuild_vectors if rebuild else embed_pending
        return work(stores, embedder, batch=EMBED_BATCH, progress=progress)


@contextmanager
def embedder_of(stores: Stores, settings: EmbeddingSettings, progress: Progress, *, own: bool) -> Iterator[Embedder]:
    """The embedding service where one is set, unless a command asked for a model of its own."""
    from core_api.settings import CoreSettings

    remote = None if own else embedder_over_http(read_settings(CoreSettings))
    if remote is not None:
        yield remote
        return
    with progress.task("loading the embedding model"):
        engine = engine_or_lsa(stores, settings)
    try:
        yield engine
    finally:
        engine.close()


def embed_all(stores: Stores, progress: Progress) -> None:
    """`marquee setup`: like `embed_missing`, with an embedder of its own. Leaves a model for the embedding service."""
    from embedding_generator.settings import EmbeddingSettings

    settings = read_settings(EmbeddingSettings)
    if wants_fitted(stores, settings):
        fit_if_missing(stores, settings)
    with ExitStack() as parts:
        embed_missing(stores, lambda: parts.enter_context(embedder_of(stores, settings, progress, own=False)), progress)


def embed_missing(stores: Stores, embedder: Callable[[], Embedder], progress: Progress) -> None:
    """Vectors for films without one. The embedder is only asked for when there are such films."""
    from indexer.embed import embed_pending

    if next(iter(stores.movies.pending()), None) is None:
        return say(f"embed: {stores.vectors.count():,} vectors already there")
    report = embed_pending(stores, embedder(), batch=EMBED_BATCH, progress=progress)
    say(f"embed: {report.written:,} films embedded" + _failed(report))
    return None


def _failed(report: WriteReport) -> str:
    if not report.failures:
        return ""
    first = report.failures[0]
    return f", {len(report.failures):,} failed, the first: {first.id}: {first.reason}"


def training_needed(stores: Stores) -> bool:
    """Whether the default models are missing, or were trained on much less than there is now."""
    from marquee.training import recommender_settings

    settings, models_dir = read_settings(SetupSettings), recommender_settings().models_dir
    record = stores.meta.read(TRAINING_RECORD)
    ratings = stores.users.count().ratings
    if not ratings:
        return False
    if record is None or set(record["asked"]) != set(settings.default_models):
        return True
    space = stores.vectors.space()
    return (
        ratings > record["ratings"] * (1 + settings.retrain_growth)
        or record["vectors"] != (space.model if space else None)
        or any(not (models_dir / name / version).is_dir() for name, version in record["versions"].items())
    )


def active_is_refused() -> bool:
    """Whether the version that should serve cannot be loaded: an earlier release wrote it, or it is damaged.

    It is loaded to find out, so not before a server answers.
    """
    from marquee.training import recommender_settings
    from recommender_api.model_files import ModelFileError, active_version, load_version

    models_dir = recommender_settings().models_dir
    try:
        active = active_version(models_dir)
        if active is not None:
            load_version(models_dir, *active)
    except ModelFileError as error:
        say(f"train: {error.detail}")
        return True
    except ServiceError:  # a library that is missing would be missing after training too
        return False
    return False


def train_defaults(stores: Stores, progress: Progress) -> None:
    """Export, train the default models one after the other, and let the best so far on validation serve.

    A model that beats neither popular nor neighbours is not activated; where none is, what was active before stays.
    The quick ones come first, so that people do not wait for the slow ones.
    """
    from marquee.strategies import strategies
    from marquee.training import exported, recommender_settings, train_on, with_defaults
    from recommender_api.data import read_training_data
    from recommender_api.evaluation.protocols import LeaveOneOut
    from recommender_api.model_files import activate, deactivate
    from recommender_api.training import Choice, choose_active, on_validation

    names = read_settings(SetupSettings).default_models
    ratings, space = stores.users.count().ratings, stores.vectors.space()
    with exported(stores, progress) as folder:
        data = read_training_data(folder)
    split = LeaveOneOut().split(data)
    to_beat = on_validation(strategies(split), split, progress)
    versions: list[StoredVersion] = []
    choice = Choice(None, to_beat)
    for name in names:
        try:
            versions.append(train_on(name, data, with_defaults(name, {}), progress).stored)
        except ServiceError as error:  # one model that cannot be trained here must not keep the others from serving
            say(f"train: {name} left out: {error.detail}")
            continue
        before, choice = choice.version, choose_active(versions, to_beat)
        if choice.version is not None and choice.version != before:
            activate(recommender_settings().models_dir, choice.version.name, choice.version.version)
    chosen = choice.version
    if chosen is None and active_is_refused():
        deactivate(recommender_settings().models_dir)
    record: dict[str, Any] = {
        "asked": list(names),
        "ratings": ratings,
        "vectors": space.model if space else None,
        "versions": {version.name: version.version for version in versions},
        "chosen": chosen.name if chosen else None,
        "validation": dict(choice.validation),
    }
    stores.meta.write(TRAINING_RECORD, record)
    figures = ", ".join(f"{name} {value:.4f}" for name, value in sorted(choice.validation.items(), key=lambda p: -p[1]))
    say(f"train: {_outcome(chosen, versions)} (NDCG@10 on validation: {figures})")


def _outcome(chosen: StoredVersion | None, trained: Sequence[StoredVersion]) -> str:
    """What serves from now on, and why."""
    from marquee.training import recommender_settings
    from recommender_api.model_files import active_version

    if chosen is not None:
        return f"{chosen.name} serves"
    why = "no model beats popular and neighbours" if trained else "no model could be trained"
    active = active_version(recommender_settings().models_dir)
    if active is None:
        return f"{why}: popular and neighbours serve"
    return f"{why}: {active[0]} {active[1]} from before stays active and serves"
