"""The tests' world in a real SQLite store, with vectors and popularity, for tests of the core."""

from __future__ import annotations

from pathlib import Path

from embedding_generator.client import Embedder
from indexer import open_stores, statistics
from indexer.embed import embed_pending
from indexer.export import export
from indexer.ports import Stores
from recommender_api.data import read_training_data
from recommender_api.model_files import activate
from recommender_api.training import train
from tests.support import world


def open_world(folder: Path, embedder: Embedder) -> Stores:
    """Close it when done."""
    stores = open_stores(f"sqlite:///{folder}/world.db")
    world.fill(stores, with_vectors=False)
    embed_pending(stores, embedder)
    statistics.write(stores, statistics.compute(stores))
    return stores


def train_on_world(folder: Path) -> Path:
    """A folder of models: transitions, active, and those that rank films like one film."""
    folder.mkdir(exist_ok=True)
    stores = open_stores(f"sqlite:///{folder}/world.db")
    world.fill(stores)
    export(stores, folder / "export")
    stores.close()
    data = read_training_data(folder / "export")
    for name in ("soup", "regression"):
        train(name, data, models_dir=folder / "models")
    stored = train("transitions", data, models_dir=folder / "models").stored
    activate(folder / "models", stored.name, stored.version)
    return folder / "models"
