"""Users in SQLite: one row a user, the history as packed columns, so that reading one is one small read."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence

from indexer.batches import batches
from indexer.checks import id_problem, ratings_problem, user_problem
from indexer.merge import UserDocument, merge, remove
from indexer.sqlite_store.database import ROWS_A_COMMIT, Database
from indexer.types import Failure, History, Rating, User, UserCounts, WriteReport
from service_kit.errors import InvalidRequest

_HISTORY = "movie_ids, ratings, timestamps"
_READ = f"SELECT {_HISTORY} FROM users WHERE id = ?"
_READ_DOCUMENT = f"SELECT {_HISTORY}, removed FROM users WHERE id = ?"
_WRITE_DOCUMENT = """
INSERT INTO users (id, length, movie_ids, ratings, timestamps, removed, attributes) VALUES (?,?,?,?,?,?,'{}')
ON CONFLICT (id) DO UPDATE SET length = excluded.length, movie_ids = excluded.movie_ids, ratings = excluded.ratings,
    timestamps = excluded.timestamps, removed = excluded.removed
"""
_WRITE_ATTRIBUTES = """
INSERT INTO users (id, length, movie_ids, ratings, timestamps, removed, attributes) VALUES (?,0,'[]',x'',x'','{}',?)
ON CONFLICT (id) DO UPDATE SET attributes = excluded.attributes
"""
_KNOWN = "(length > 0 OR attributes <> '{}')"


class SqliteUsers:
    def __init__(self, database: Database, longest_history: int) -> None:
        self._database = database
        self._longest = longest_history

    def history(self, user_id: str) -> History:
        row = self._database.row(_READ, (user_id,))
        return _unpacked(*row) if row else History()

    def merge(self, user_id: str, ratings: Sequence[Rating]) -> History:
        problem = ratings_problem(user_id, ratings)
        if problem:
            raise InvalidRequest(f"User {user_id!r}: {problem}.")
        with self._database.writing() as connection:
            return self._merge(connection, user_id, ratings)

    def merge_many(self, ratings: Iterable[tuple[str, Sequence[Rating]]]) -> WriteReport:
        written = 0
        failures: list[Failure] = []
        for batch in _batches(ratings):
            with self._database.writing() as connection:
                for user_id, some in batch:
                    problem = ratings_problem(user_id, some)
                    if problem:
                        failures.append(Failure(user_id, problem))
                    else:
                        self._merge(connection, user_id, some)
                        written += 1
        return WriteReport(written, tuple(failures))

    def remove(self, user_id: str, movie_id: str, at: int) -> bool:
        if id_problem(user_id):
            return False
        with self._database.writing() as connection:
            before = _document(connection, user_id)
            after = remove(before, movie_id, at)
            if after is before:
                return False
            _write(connection, user_id, after)
            return True

    def forget(self, user_id: str) -> bool:
        if id_problem(user_id):
            return False
        with self._database.writing() as connection:
            known = connection.execute(f"SELECT 1 FROM users WHERE id = ? AND {_KNOWN}", (user_id,)).fetchone()
            connection.execute("DELETE FROM users WHERE id = ?", (user_id,))
        self._database.settle()
        return known is not None

    def put_users(self, users: Iterable[User]) -> WriteReport:
        written = 0
        failures: list[Failure] = []
        for batch in batches(users, ROWS_A_COMMIT):
            problems = [user_problem(user) for user in batch]
            failures += [Failure(user.id, why) for user, why in zip(batch, problems, strict=True) if why]
            rows = [
                (user.id, json.dumps(dict(user.attributes)))
                for user, why in zip(batch, problems, strict=True)
                if not why
            ]
            with self._database.writing() as connection:
                connection.executemany(_WRITE_ATTRIBUTES, rows)
            written += len(rows)
        return WriteReport(written, tuple(failures))

    def user(self, user_id: str) -> User | None:
        row = self._database.row(f"SELECT attributes FROM users WHERE id = ? AND {_KNOWN}", (user_id,))
        return User(user_id, json.loads(row[0])) if row else None

    def scan(self) -> Iterator[tuple[str, History]]:
        sql = f"SELECT id, {_HISTORY} FROM users WHERE length > 0 AND id > ? ORDER BY id LIMIT ?"
        return ((user_id, _unpacked(*columns)) for user_id, *columns in self._database.pages(sql))

    def scan_users(self) -> Iterator[User]:
        sql = "SELECT id, attributes FROM users WHERE attributes <> '{}' AND id > ? ORDER BY id LIMIT ?"
        return (User(user_id, json.loads(attributes)) for user_id, attributes in self._database.pages(sql))

    def count(self) -> UserCounts:
        ((users, ratings),) = self._database.rows("SELECT count(*), total(length) FROM users WHERE length > 0")
        return UserCounts(users, int(ratings))

    def _merge(self, connection: sqlite3.Connection, user_id: str, ratings: Sequence[Rating]) -> History:
        before = _document(connection, user_id)
        after = merge(before, ratings, self._longest)
        if after != before:
            _write(connection, user_id, after)
        return after.history


def _batches(ratings: Iterable[tuple[str, Sequence[Rating]]]) -> Iterator[list[tuple[str, Sequence[Rating]]]]:
    """Users in batches of about as many ratings as a commit should have."""
    batch: list[tuple[str, Sequence[Rating]]] = []
    size = 0
    for user_id, some in ratings:
        batch.append((user_id, some))
        size += len(some) + 1
        if size >= ROWS_A_COMMIT:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _document(connection: sqlite3.Connection, user_id: str) -> UserDocument:
    row = connection.execute(_READ_DOCUMENT, (user_id,)).fetchone()
    if row is None:
        return UserDocument()
    *columns, removed = row
    return UserDocument(_unpacked(*columns), json.loads(removed))


def _write(connection: sqlite3.Connection, user_id: str, document: UserDocument) -> None:
    history = document.history
    length = len(history)
    connection.execute(
        _WRITE_DOCUMENT,
        (
            user_id,
            length,
            json.dumps(history.movie_ids),
            struct.pack(f"<{length}d", *history.ratings),
            struct.pack(f"<{length}q", *history.timestamps),
            json.dumps(document.removed),
        ),
    )


def _unpacked(movie_ids: str, ratings: bytes, timestamps: bytes) -> History:
    length = len(ratings) // 8
    return History(
        tuple(json.loads(movie_ids)), struct.unpack(f"<{length}d", ratings), struct.unpack(f"<{length}q", timestamps)
    )
