"""The vectors of one generation in memory, following the file as it changes.

Each row carries the version that wrote it, so after a single write by any process one row is fetched, not all.
"""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass, field

import numpy as np

from indexer.exact import ExactIndex
from indexer.sqlite_store.database import Database
from indexer.sqlite_store.filters import condition
from indexer.types import MovieFilter, VectorSpace

_MASKS_KEPT = 64


@dataclass(frozen=True)
class Snapshot:
    """The vectors as of one version, and the films that pass each filter asked of it so far."""

    generation: int
    version: int
    index: ExactIndex
    masks: dict[MovieFilter, np.ndarray] = field(default_factory=dict)  # (N,) bool each


class Matrix:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._snapshot: Snapshot | None = None
        self._refreshing = threading.Lock()

    def at(self, version: int, generation: int, space: VectorSpace) -> Snapshot:
        """The vectors of this version of the file or a later one."""
        current = self._fresh(version, generation)
        if current is None:
            with self._refreshing:
                current = self._fresh(version, generation) or self._refreshed(generation, space)
                self._snapshot = current
        return current

    def mask(self, snapshot: Snapshot, where: MovieFilter) -> np.ndarray:
        """(N,) bool: the rows whose film passes the filter."""
        mask = snapshot.masks.get(where)
        if mask is None:
            passes, values = condition(where)
            mask = np.zeros(len(snapshot.index), bool)
            mask[
                snapshot.index.rows(
                    row[0] for row in self._database.rows(f"SELECT id FROM movies WHERE {passes}", values)
                )
            ] = True
            if len(snapshot.masks) < _MASKS_KEPT:
                snapshot.masks[where] = mask
        return mask

    def _fresh(self, version: int, generation: int) -> Snapshot | None:
        snapshot = self._snapshot
        if snapshot and snapshot.generation == generation and snapshot.version >= version:
            return snapshot
        return None

    def _refreshed(self, generation: int, space: VectorSpace) -> Snapshot:
        old = self._snapshot
        with self._database.reading() as connection:  # version and rows of one moment
            (version,) = connection.execute("SELECT version FROM state").fetchone()
            if old is None or old.generation != generation:
                return Snapshot(generation, version, _load(connection, generation, space.dimension))
            rows = connection.execute(
                "SELECT movie_id, vector FROM vectors WHERE generation = ? AND version > ?", (generation, old.version)
            ).fetchall()
        changes = {movie_id: None if blob is None else np.frombuffer(blob, "<f4") for movie_id, blob in rows}
        return Snapshot(generation, version, old.index.changed(changes) if changes else old.index)


def _load(connection: sqlite3.Connection, generation: int, dimension: int) -> ExactIndex:
    live = "FROM vectors WHERE generation = ? AND vector IS NOT NULL"
    (count,) = connection.execute(f"SELECT count(*) {live}", (generation,)).fetchone()
    ids: list[str] = []
    vectors = np.empty((count, dimension), np.float32)  # filled row by row: all blobs at once would double the memory
    for movie_id, blob in connection.execute(f"SELECT movie_id, vector {live}", (generation,)):
        vectors[len(ids)] = np.frombuffer(blob, "<f4")
        ids.append(movie_id)
    return ExactIndex(ids, vectors)
