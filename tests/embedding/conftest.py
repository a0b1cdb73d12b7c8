"""Engines over the hash encoder, and the packaged all-MiniLM-L6-v2, loaded once for the tests marked slow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from embedding_generator.encoders import Encoder, load_encoder
from embedding_generator.engine import EmbeddingEngine
from embedding_generator.settings import EmbeddingSettings
from tests.support.hash_encoder import HashEncoder

MakeEngine = Callable[..., EmbeddingEngine]


def settings(**values: Any) -> EmbeddingSettings:
    return EmbeddingSettings(_env_file=None, **values)


@pytest.fixture
def make_settings() -> Callable[..., EmbeddingSettings]:
    return settings


@pytest.fixture
def make_engine() -> Iterator[MakeEngine]:
    engines: list[EmbeddingEngine] = []

    def make(encoder: Encoder | None = None, **values: Any) -> EmbeddingEngine:
        engines.append(EmbeddingEngine(encoder or HashEncoder(), settings(**values)))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


@pytest.fixture(scope="session")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    """The packaged model: no hub copy can be found from here."""
    patch = pytest.MonkeyPatch()
    patch.setenv("OMP_NUM_THREADS", "1")
    try:
        return load_encoder("all-MiniLM-L6-v2", None, Path(tmp_path_factory.mktemp("models")), device="cpu")
    finally:
        patch.undo()
