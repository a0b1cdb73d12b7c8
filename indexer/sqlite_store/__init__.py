"""The embedded store: one SQLite file. Made by `indexer.open_stores`; everything else sees `indexer.ports`.

`database` knows connections and transactions, `schema` the tables; `movies`, `vectors`, `users` keep one port each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from indexer.ports import MetaStore, MovieStore, Stores, UserStore, VectorStore
from indexer.settings import StoreSettings
from indexer.sqlite_store.database import Database
from indexer.sqlite_store.movies import SqliteMovies, rehash
from indexer.sqlite_store.schema import bump
from indexer.sqlite_store.users import SqliteUsers
from indexer.sqlite_store.vectors import SqliteVectors
from indexer.text import TEXT_RECIPE
from service_kit.errors import StoreUnavailable


def open_sqlite(path: Path, settings: StoreSettings) -> Stores:
    """The stores in this file, made if it is new. Raises `StoreUnavailable` if the file cannot be used."""
    database = Database(path, settings.sqlite_busy_timeout_s)
    try:
        database.prepare(TEXT_RECIPE)
        rehash(database, TEXT_RECIPE)
    except BaseException:
        database.close()
        raise
    return SqliteStores(database, settings)


class SqliteStores:
    def __init__(self, database: Database, settings: StoreSettings) -> None:
        self._database = database
        self.movies: MovieStore = SqliteMovies(database)
        self.vectors: VectorStore = SqliteVectors(database)
        self.users: UserStore = SqliteUsers(database, settings.longest_history)
        self.meta: MetaStore = SqliteMeta(database)

    def check(self) -> None:
        if not self._database.path.exists():  # SQLite would go on with the deleted file
            raise StoreUnavailable(f"The store {self._database.path} is gone: restore the file, then start again.")
        self._database.row("SELECT version FROM state")

    def version(self) -> str | None:
        return str(self._database.rows("SELECT version FROM state")[0][0])

    def close(self) -> None:
        self._database.close()


class SqliteMeta:
    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, name: str) -> dict[str, Any] | None:
        row = self._database.row("SELECT document FROM meta WHERE name = ?", (name,))
        document: dict[str, Any] | None = json.loads(row[0]) if row else None
        return document

    def write(self, name: str, document: Mapping[str, Any]) -> None:
        text = json.dumps(dict(document), allow_nan=False)
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO meta (name, document) VALUES (?, ?)", (name, text))
            bump(connection)
