"""The public contract on the embedded default: one process, SQLite, a small trained model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core_api.app import create_app
from core_api.core import Core
from core_api.settings import CoreSettings
from tests.support.client import TestClient
from tests.support.core_world import open_world
from tests.support.hash_embedder import HashEmbedder
from tests.support.public_contract import PublicContract


@pytest.fixture(scope="module")
def client(tmp_path_factory, recommender) -> Iterator[TestClient]:
    """One for all tests: they leave no traces."""
    embedder = HashEmbedder()
    stores = open_world(tmp_path_factory.mktemp("contract"), embedder)
    core = Core(stores, recommender, embedder, CoreSettings(_env_file=None))
    with TestClient(create_app(core)) as client:
        yield client
    stores.close()


class TestEmbedded(PublicContract):
    pass
