"""A core over the tests' world: a real store, a real recommender with a tiny model, an embedder without weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from core_api.app import create_app
from core_api.core import Core
from core_api.settings import CoreSettings
from indexer import open_stores
from indexer.export import export
from indexer.ports import Stores
from recommender_api.client import Recommender
from recommender_api.data import read_training_data
from recommender_api.engine import RecommenderEngine
from recommender_api.model_files import activate
from recommender_api.training import train
from tests.support import world
from tests.support.client import TestClient
from tests.support.core_world import open_world
from tests.support.hash_embedder import HashEmbedder


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With one trained version, active. Tests that activate others take `own_models_dir`."""
    folder = tmp_path_factory.mktemp("trained")
    stores = open_stores(f"sqlite:///{folder}/world.db")
    world.fill(stores)
    export(stores, folder / "export")
    stores.close()
    stored = train("transitions", read_training_data(folder / "export"), models_dir=folder / "models").stored
    activate(folder / "models", stored.name, stored.version)
    return folder / "models"


@pytest.fixture(scope="session")
def recommender(models_dir: Path) -> Iterator[RecommenderEngine]:
    engine = RecommenderEngine(models_dir)
    yield engine
    engine.close()


@pytest.fixture
def embedder() -> HashEmbedder:
    return HashEmbedder()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Stores]:
    stores = open_stores(f"sqlite:///{tmp_path}/empty.db")
    yield stores
    stores.close()


@pytest.fixture
def stores(tmp_path: Path, embedder: HashEmbedder) -> Iterator[Stores]:
    """The world, with the embedder's vectors and its popularity."""
    stores = open_world(tmp_path, embedder)
    yield stores
    stores.close()


@pytest.fixture
def make_core() -> Callable[..., Core]:
    def make(stores: Stores, recommender: Recommender | None = None, embedder: Any = None, **settings: Any) -> Core:
        return Core(stores, recommender, embedder, CoreSettings(_env_file=None, **settings))

    return make


@pytest.fixture
def serve() -> Iterator[Callable[[Core], TestClient]]:
    """A client of the app around a core, its lifespan running until the test ends. Server errors are answers."""
    with ExitStack() as stack:
        yield lambda core: stack.enter_context(TestClient(create_app(core), raise_server_exceptions=False))


@pytest.fixture
def client(serve, make_core, stores, recommender, embedder) -> TestClient:
    """Everything works."""
    return serve(make_core(stores, recommender, embedder))
