"""One SQLite file: a connection per thread, short transactions, SQLite's errors as ours.

Durable: write-ahead log with synchronous=FULL, so a commit that returned survives kill -9 and a power cut. Writers
of this process queue at a lock, those of other processes at SQLite's busy timeout. Nothing here knows movies.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from indexer.batches import batches
from indexer.checks import id_problem
from indexer.sqlite_store import schema
from service_kit.deadline import remaining
from service_kit.errors import StoreUnavailable

Row = tuple[Any, ...]

ROWS_A_COMMIT = 10_000  # a bulk write holds the write lock for some 100 ms at a time
_IDS_A_QUERY = 500
_STATEMENTS_KEPT = 512
_WAL_KEPT_BYTES = 64 * 2**20
_PATIENCE_S = 5.0  # with calls that run when the store is closed
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_BROKEN = {
    sqlite3.SQLITE_NOTADB: "is not a SQLite database: name another file in MARQUEE_STORE, or move this one away",
    sqlite3.SQLITE_CORRUPT: "is damaged: restore a copy of it, or move it away and load again",
    sqlite3.SQLITE_FULL: "cannot grow, its disk is full: free some space",
    sqlite3.SQLITE_IOERR: "cannot be read or written, the disk fails: check it",
    sqlite3.SQLITE_READONLY: "cannot be written: make the file and its folder writable",
    sqlite3.SQLITE_PERM: "cannot be used by this user: change its permissions",
    sqlite3.SQLITE_AUTH: "cannot be used by this user: change its permissions",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check that its folder exists and is writable",
}


class StoreBusy(StoreUnavailable):
    """Another writer holds the file."""


class Database:
    """Raises `StoreUnavailable` from every call when the file is locked, gone or broken."""

    def __init__(self, path: Path, busy_timeout_s: float) -> None:
        self.path = path
        self._busy_timeout_s = busy_timeout_s
        self._local = threading.local()
        self._connections: dict[threading.Thread, sqlite3.Connection] = {}
        self._registry = threading.Lock()  # guards _connections
        self._writers = threading.Lock()
        self._calls = _Calls(path)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of one SELECT: a consistent view, fetched at once so that nothing stays open."""
        try:
            with self._calls:
                return self._connection().execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise self._translated(error) from error
        except UnicodeEncodeError:  # text that no row can hold
            return []

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row, if there is one."""
        try:
            with self._calls:
                found: Row | None = self._connection().execute(sql, parameters).fetchone()
        except sqlite3.Error as error:
            raise self._translated(error) from error
        except UnicodeEncodeError:
            return None
        return found

    def by_ids(self, sql: str, ids: Sequence[str]) -> Iterator[Row]:
        """Rows of a SELECT that ends in the name of the id's column; an id that SQLite cannot hold has none."""
        sound = (identifier for identifier in ids if identifier.isascii() or id_problem(identifier) is None)
        for batch in batches(sound, _IDS_A_QUERY):
            yield from self.rows(f"{sql} IN ({','.join('?' * len(batch))})", batch)

    def pages(self, sql: str, parameters: Sequence[object] = (), size: int = 500) -> Iterator[Row]:
        """Rows of a SELECT with `> ? ... LIMIT ?` as its last two parameters, its first column the ascending key.

        Each page is its own short read, so whoever iterates may write meanwhile and holds nothing up.
        """
        after = ""
        while page := self.rows(sql, (*parameters, after, size)):
            yield from page
            after = page[-1][0]

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Several SELECTs that see one state."""
        yield from self._transaction("BEGIN")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One durable transaction: committed and on the disk on return, undone when the block raises."""
        started = time.monotonic()
        patience = remaining(self._busy_timeout_s)
        if not self._writers.acquire(timeout=patience):
            raise self._busy()
        try:
            left = max(0.0, patience - (time.monotonic() - started))
            self._pragma(f"busy_timeout = {max(1, int(left * 20)) * 50}")  # few different statements to cache
            yield from self._transaction("BEGIN IMMEDIATE")
        finally:
            self._writers.release()

    def settle(self) -> None:
        """Move what is in the log into the file and empty the log, so that no older version of a page is left in it.

        Where a reader holds the log this happens when it grows next, or when the store is closed.
        """
        self._pragma("wal_checkpoint(TRUNCATE)")

    def prepare(self, recipe: int) -> None:
        """Make the file if it is new, and refuse one that is not ours or newer than this program."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                f"The store {self.path} has no folder and none can be made ({str(error.strerror).lower()}): let this "
                "user write there, or name another place in MARQUEE_HOME or MARQUEE_STORE."
            ) from error
        with self.reading() as connection:
            new, old = self._is_new(connection), self._is_old(connection)
        if old:
            with self.writing() as connection:
                schema.upgrade(connection)
        if new:
            self._switch_to_wal()
            with self.writing() as connection:
                if self._is_new(connection):  # unless another process was faster
                    schema.create(connection, recipe)

    def _is_new(self, connection: sqlite3.Connection) -> bool:
        application, version, empty = schema.identity(connection)
        if empty and application == 0:
            return True
        if application != schema.APPLICATION_ID:
            raise StoreUnavailable(
                f"The file {self.path} belongs to another program: name another file in MARQUEE_STORE."
            )
        if version > schema.SCHEMA:
            raise StoreUnavailable(
                f"The store {self.path} was written by a newer Marquee (schema {version}, this one knows "
                f"{schema.SCHEMA}): upgrade this one."
            )
        return False

    def _is_old(self, connection: sqlite3.Connection) -> bool:
        _, version, empty = schema.identity(connection)
        return not empty and version < schema.SCHEMA

    def close(self) -> None:
        """Close every thread's connection, once the calls under way have ended; later calls raise StoreUnavailable.

        A call that does not end soon keeps its connection: closed under it, SQLite would crash the process.
        """
        if self._calls.end(_PATIENCE_S):
            with self._registry:
                for connection in self._connections.values():
                    connection.close()
                self._connections.clear()

    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._calls:
            connection = self._connection()
            try:
                connection.execute(begin)
                yield connection
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise self._translated(error) from error
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
        return connection

    def _connect(self) -> sqlite3.Connection:
        with self._registry:
            for thread in [thread for thread in self._connections if not thread.is_alive()]:
                self._connections.pop(thread).close()
            try:
                connection = sqlite3.connect(
                    self.path, isolation_level=None, check_same_thread=False, cached_statements=_STATEMENTS_KEPT
                )
            except sqlite3.Error as error:
                raise self._translated(error) from error
            self._connections[threading.current_thread()] = connection
        try:
            connection.execute(f"PRAGMA busy_timeout = {int(self._busy_timeout_s * 1000)}")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")  # what is deleted leaves no bytes behind in the file
            connection.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT_BYTES}")
        except sqlite3.Error as error:
            raise self._translated(error) from error
        self._local.connection = connection
        return connection

    def _pragma(self, pragma: str) -> None:
        try:
            with self._calls:
                self._connection().execute(f"PRAGMA {pragma}")
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _switch_to_wal(self) -> None:
        """Needs the file alone for a moment, which SQLite does not wait for by itself."""
        until = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                return self._pragma("journal_mode = WAL")
            except StoreBusy:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)

    def _translated(self, error: sqlite3.Error) -> Exception:
        """Ours for what the file or its neighbours did; the error itself for a mistake in this program."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended part
        if code in _BUSY:
            return self._busy()
        if code in _BROKEN:
            return StoreUnavailable(f"The store {self.path} {_BROKEN[code]}.")
        return error

    def _busy(self) -> StoreBusy:
        return StoreBusy(
            f"The store {self.path} is busy: another writer held it for {self._busy_timeout_s:g} s or more; try again."
        )


class _Calls:
    """Counts the calls under way, `with` it; after `end` there are no new ones."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state = threading.Condition()
        self._running = 0
        self._ended = False

    def __enter__(self) -> None:
        with self._state:
            if self._ended:
                raise StoreUnavailable(f"The store {self._path} is closed.")
            self._running += 1

    def __exit__(self, *_: object) -> None:
        with self._state:
            self._running -= 1
            self._state.notify_all()

    def end(self, patience_s: float) -> bool:
        """Whether none is running any more, after waiting for that."""
        with self._state:
            self._ended = True
            return self._state.wait_for(lambda: not self._running, patience_s)
