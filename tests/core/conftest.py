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
from indexer.ports import Stores
from recommender_api.client import Recommender
from recommender_api.engine import RecommenderEngine
from tests.support.client import TestClient
from tests.support.core_world import open_world, train_on_world
from tests.support.hash_embedder import HashEmbedder


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With trained versions of three models, transitions active. Tests that activate others take `own_models_dir`."""
    return train_on_world(tmp_path_factory.mktemp("trained"))


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
        asked = {"model_threshold": 20} | settings  # so that each strategy answers somebody of the world
        return Core(stores, recommender, embedder, CoreSettings(_env_file=None, **asked))

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
