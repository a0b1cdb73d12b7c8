"""The tests' world in a real SQLite store, with vectors and popularity, for tests of the core."""

from __future__ import annotations

from pathlib import Path

from embedding_generator.client import Embedder
from indexer import open_stores, statistics
from indexer.embed import embed_pending
from indexer.ports import Stores
from tests.support import world


def open_world(folder: Path, embedder: Embedder) -> Stores:
    """Close it when done."""
    stores = open_stores(f"sqlite:///{folder}/world.db")
    world.fill(stores, with_vectors=False)
    embed_pending(stores, embedder)
    statistics.write(stores, statistics.compute(stores))
    return stores
