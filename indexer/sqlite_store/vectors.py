"""Vectors in SQLite: a row of float32 a film, in generations of one space each; `matrix` searches them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

import numpy as np

from indexer.batches import batches
from indexer.checks import space_problem, vector_problem
from indexer.sqlite_store.database import ROWS_A_COMMIT, Database
from indexer.sqlite_store.matrix import Matrix
from indexer.sqlite_store.schema import bump
from indexer.types import EVERYTHING, Failure, MovieFilter, MovieVector, Scored, VectorSpace, WriteReport
from service_kit.errors import InvalidRequest, StoreUnavailable, VectorSpaceMismatch

_PUT = """
INSERT INTO vectors (generation, movie_id, text_hash, version, vector) VALUES (?,?,?,?,?)
ON CONFLICT (generation, movie_id) DO UPDATE SET
    text_hash = excluded.text_hash, version = excluded.version, vector = excluded.vector
"""
_STALE = "FROM vectors WHERE generation NOT IN (SELECT generation FROM spaces)"


class _Present(NamedTuple):
    """What the file says now. Without a space there is no generation yet."""

    version: int
    generation: int
    space: VectorSpace | None


class SqliteVectors:
    """The vectors of the generation that answers or, for a rebuild, those of one `hidden` generation."""

    def __init__(self, database: Database, hidden: int | None = None) -> None:
        self._database = database
        self._hidden = hidden
        self._matrix = Matrix(database)

    def space(self) -> VectorSpace | None:
        return self._present().space

    def create(self, space: VectorSpace) -> None:
        if self.space() == space:
            return
        with self._database.writing() as connection:
            present = self._present().space
            if present is None:
                _activate(connection, _new_generation(connection, space))
            elif problem := space_problem(present, space):
                raise VectorSpaceMismatch(problem)

    def put(self, vectors: Iterable[MovieVector]) -> WriteReport:
        written = 0
        failures: list[Failure] = []
        for batch in batches(vectors, ROWS_A_COMMIT):
            with self._database.writing() as connection:
                _, generation, space = self._present()
                if space is None:
                    raise VectorSpaceMismatch("The store has no vector space yet: create one before putting vectors.")
                version = bump(connection)
                rows = []
                for item in batch:
                    vector = np.asarray(item.vector, "<f4")
                    problem = vector_problem(vector, space.dimension) or self._unknown(item.movie_id)
                    if problem:
                        failures.append(Failure(item.movie_id, problem))
                    else:
                        rows.append((generation, item.movie_id, item.text_hash, version, vector.tobytes()))
                connection.executemany(_PUT, rows)
            written += len(rows)
        return WriteReport(written, tuple(failures))

    def get(self, ids: Sequence[str]) -> dict[str, np.ndarray]:
        generation = self._present().generation
        rows = self._database.by_ids(
            f"SELECT movie_id, vector FROM vectors WHERE generation = {generation} AND vector IS NOT NULL AND movie_id",
            ids,
        )
        return {movie_id: np.frombuffer(blob, "<f4") for movie_id, blob in rows}

    def nearest(
        self, queries: np.ndarray, k: int, where: MovieFilter = EVERYTHING, exclude: Iterable[str] = ()
    ) -> list[Scored]:
        version, generation, space = self._present()
        if space is None:
            return []
        queries = np.asarray(queries, np.float32)
        if queries.ndim != 2 or queries.shape[1] != space.dimension:
            raise VectorSpaceMismatch(
                f"The store keeps vectors of {space.dimension} numbers, the queries have shape {queries.shape}."
            )
        if not np.isfinite(queries).all():
            raise InvalidRequest("A query vector is not finite.")
        snapshot = self._matrix.at(version, generation, space)
        allowed = None if where.empty else self._matrix.mask(snapshot, where)
        excluded = snapshot.index.rows(exclude)
        if len(excluded):
            allowed = np.ones(len(snapshot.index), bool) if allowed is None else allowed.copy()
            allowed[excluded] = False
        return snapshot.index.nearest(queries, k, allowed)

    @contextmanager
    def rebuild(self, space: VectorSpace) -> Iterator[SqliteVectors]:
        with self._database.writing() as connection:
            # What a killed rebuild left goes now, and so does a rebuild that is still running elsewhere.
            connection.execute("DELETE FROM spaces WHERE generation <> (SELECT generation FROM state)")
            generation = _new_generation(connection, space)
        hidden = SqliteVectors(self._database, generation)
        try:
            yield hidden
            with self._database.writing() as connection:
                hidden._present()  # raises when another rebuild has dropped this one
                _activate(connection, generation)
                connection.execute("DELETE FROM spaces WHERE generation <> ?", (generation,))
        except BaseException:
            with suppress(StoreUnavailable), self._database.writing() as connection:
                connection.execute("DELETE FROM spaces WHERE generation = ?", (generation,))
            raise
        finally:
            with suppress(StoreUnavailable):  # the next rebuild sweeps again
                self._sweep()

    def scan(self) -> Iterator[MovieVector]:
        generation = self._present().generation  # stay with one: two spaces must not mix
        rows = self._database.pages(
            "SELECT movie_id, vector, text_hash FROM vectors WHERE generation = ? AND vector IS NOT NULL"
            " AND movie_id > ? ORDER BY movie_id LIMIT ?",
            (generation,),
        )
        for movie_id, blob, text_hash in rows:
            yield MovieVector(movie_id, np.frombuffer(blob, "<f4"), text_hash)
        if generation and not self._database.row("SELECT 1 FROM spaces WHERE generation = ?", (generation,)):
            raise VectorSpaceMismatch("The vectors were rebuilt while they were being read: read them again.")

    def count(self) -> int:
        sql = "SELECT count(*) FROM vectors WHERE generation = ? AND vector IS NOT NULL"
        return int(self._database.rows(sql, (self._present().generation,))[0][0])

    def _present(self) -> _Present:
        generation = "state.generation" if self._hidden is None else str(self._hidden)
        ((version, generation, *space),) = self._database.rows(
            "SELECT version, spaces.generation, model, dimension, spaces.recipe FROM state"
            f" LEFT JOIN spaces ON spaces.generation = {generation}"
        )
        if generation is not None:
            return _Present(version, generation, VectorSpace(*space))
        if self._hidden is not None:
            raise VectorSpaceMismatch("Another rebuild of the vectors has begun: this one was dropped.")
        return _Present(version, 0, None)

    def _unknown(self, movie_id: str) -> str | None:
        known = self._database.row("SELECT 1 FROM movies WHERE id = ?", (movie_id,))
        return None if known else "there is no such film"

    def _sweep(self) -> None:
        """Delete the vectors of dropped generations, a few at a time so that other writers get their turn."""
        while self._database.row(f"SELECT 1 {_STALE} LIMIT 1"):
            with self._database.writing() as connection:
                connection.execute(
                    f"DELETE FROM vectors WHERE rowid IN (SELECT rowid {_STALE} LIMIT ?)", (ROWS_A_COMMIT,)
                )


def _new_generation(connection: sqlite3.Connection, space: VectorSpace) -> int:
    made = connection.execute(
        "INSERT INTO spaces (model, dimension, recipe) VALUES (?, ?, ?)", (space.model, space.dimension, space.recipe)
    )
    assert made.lastrowid is not None  # an INSERT has one
    return made.lastrowid


def _activate(connection: sqlite3.Connection, generation: int) -> None:
    connection.execute("UPDATE state SET generation = ?", (generation,))
    bump(connection)
