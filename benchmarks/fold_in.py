"""From a rating to a ranking that knows it: ms a model, through the public API, on a real store with the data set.

    OMP_NUM_THREADS=1 python -m benchmarks --only fold_in --home HOME

Each round rates one more film for a user of median history and asks for the next ten. No model learns anything in
between: what it knows of the user it works out from the history in the request. A model without a version in the home
is trained first, for one epoch where it has epochs: what an answer costs does not depend on how much was learned.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

import numpy as np
from starlette.testclient import TestClient

from core_api.app import create_app
from core_api.core import Core
from core_api.settings import CoreSettings
from indexer import open_stores
from indexer.ports import Stores
from indexer.statistics import read as read_statistics
from marquee.training import options_of, read_data, recommender_settings, train_on
from marquee.wiring import read_settings, store_settings
from recommender_api.engine import RecommenderEngine
from recommender_api.model_files import list_versions
from recommender_api.models.base import is_personal
from recommender_api.models.registry import ranker_class, ranker_names
from service_kit.progress import NoProgress

ROUNDS = 30
HEADER = (
    "model",
    "PUT a rating, ms",
    "GET the next ten, ms",
    "both, ms",
    f"slowest of {ROUNDS}, ms",
    "lists that changed",
)
USER = "fold-in-benchmark"


def measure() -> Iterator[tuple[str, ...]]:
    """A row for each registered model; the middle one of its rounds."""
    _train_missing()
    stores = open_stores(store_settings(None).url)
    engine = RecommenderEngine.of(recommender_settings())
    core = Core(stores, engine, None, read_settings(CoreSettings))
    try:
        with TestClient(create_app(core)) as client:
            for name in ranker_names():
                yield _row(client, stores, name)
    finally:
        stores.users.forget(USER)
        engine.close()
        stores.close()


def _train_missing() -> None:
    missing = [name for name in ranker_names() if not list_versions(recommender_settings().models_dir, name)]
    data = read_data(None, None, NoProgress()) if missing else None
    for name in missing:
        assert data is not None
        train_on(name, data, {"epochs": 1} if "epochs" in options_of(name).__dataclass_fields__ else {}, NoProgress())


def _row(client: TestClient, stores: Stores, name: str) -> tuple[str, ...]:
    films = _films(stores)
    url = f"/v1/users/{USER}"
    client.delete(url)
    for film in films[ROUNDS:]:
        _put(client, f"{url}/ratings/{film}", 4.0)
    ranked = _ask(client, url, name)
    written, asked, changed = [], [], 0
    for turn, film in enumerate(films[:ROUNDS]):
        started = time.perf_counter()
        _put(client, f"{url}/ratings/{film}", 5.0 if turn % 2 else 1.0)
        written.append(time.perf_counter() - started)
        started = time.perf_counter()
        before, ranked = ranked, _ask(client, url, name)
        asked.append(time.perf_counter() - started)
        changed += ranked != [id for id in before if id != film]
    both = np.add(written, asked)
    expected = "" if is_personal(ranker_class(name)) else " (it answers everybody alike)"
    times = [median(written), median(asked), float(np.median(both)), float(both.max())]
    return name, *(f"{1000 * seconds:.1f}" for seconds in times), f"{changed} of {ROUNDS}{expected}"


def _films(stores: Stores) -> list[str]:
    """As many as the median user has rated, and one for each round, drawn from what people rate."""
    lengths = [len(history) for _, history in stores.users.scan()]
    statistics = read_statistics(stores)
    assert statistics is not None
    drawn = np.random.default_rng(42).choice(len(statistics.movie_ids), int(median(lengths)) + ROUNDS, replace=False)
    return [statistics.movie_ids[row] for row in drawn]


def _put(client: TestClient, url: str, rating: float) -> None:
    client.put(url, json={"rating": rating}).raise_for_status()


def _ask(client: TestClient, url: str, model: str) -> list[str]:
    answer = client.get(f"{url}/recommendations", params={"k": 10, "model": model}).raise_for_status().json()
    if answer["strategy"] != "model":
        raise RuntimeError(f"{model} did not answer: {answer['fallback_reason']}")
    return [item["id"] for item in answer["items"]]


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main("fold_in", __doc__)
