"""The SQLite store keeps the contract; what only a file can promise is below it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import indexer
from indexer import open_stores, sqlite_store, text
from indexer.ports import Stores
from indexer.settings import StoreSettings
from indexer.types import MovieVector, Rating, User
from service_kit.deadline import DeadlineExceeded, deadline
from service_kit.errors import StoreUnavailable, VectorSpaceMismatch
from tests.support.store_contract import StoreContract
from tests.support.store_contract.films import FILMS, HEAT, MATRIX, OTHER_SPACE, SPACE, at, ids, row_of_films, vector


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "marquee.db"


@pytest.fixture
def reopen(path: Path) -> Iterator[Callable[..., Stores]]:
    opened: list[Stores] = []

    def again(**settings: object) -> Stores:
        opened.append(open_stores(f"sqlite:///{path}", StoreSettings.model_validate(settings)))
        return opened[-1]

    yield again
    for stores in opened:
        stores.close()


@pytest.fixture
def stores(reopen: Callable[..., Stores]) -> Stores:
    return reopen()


class TestSqlite(StoreContract):
    pass


def test_the_file_is_durable_by_its_settings(stores: Stores, path: Path) -> None:
    """What `test_durability` relies on: a log that is synced at every commit."""
    stores.movies.put(FILMS)
    database = stores.users._database  # type: ignore[attr-defined]
    assert database.row("PRAGMA journal_mode") == ("wal",)
    assert database.row("PRAGMA synchronous") == (2,)
    assert path.exists()


def test_a_file_of_another_kind_is_refused_in_one_sentence_and_left_alone(
    path: Path, reopen: Callable[..., Stores]
) -> None:
    path.parent.mkdir()
    path.write_text("my diary, not a database\n" * 100)
    with pytest.raises(StoreUnavailable, match="is not a SQLite database: name another file"):
        reopen()
    assert path.read_text().startswith("my diary")


def test_another_programs_database_is_refused_and_left_alone(path: Path, reopen: Callable[..., Stores]) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match="belongs to another program"):
        reopen()
    assert path.read_bytes() == before


def test_a_file_of_a_newer_marquee_is_refused(stores: Stores, path: Path, reopen: Callable[..., Stores]) -> None:
    stores.close()
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnavailable, match=r"newer Marquee \(schema 99, this one knows 2\): upgrade"):
        reopen()


def test_a_damaged_file_is_reported_not_served(stores: Stores, path: Path, reopen: Callable[..., Stores]) -> None:
    stores.movies.put(FILMS)
    stores.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreUnavailable, match="is damaged"):
        reopen().movies.get(["6"])


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="no folder"):
        open_stores(f"sqlite:///{tmp_path}/file/marquee.db")


def test_a_folder_in_place_of_the_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        open_stores(f"sqlite:///{tmp_path}")


def test_a_store_whose_file_is_gone_is_not_healthy(stores: Stores, path: Path) -> None:
    stores.check()
    path.unlink()
    with pytest.raises(StoreUnavailable, match="is gone"):
        stores.check()


def test_a_closed_store_says_so(stores: Stores) -> None:
    stores.close()
    for call in (stores.check, lambda: stores.users.history("u"), lambda: stores.users.merge("u", [])):
        with pytest.raises(StoreUnavailable, match="is closed"):
            call()


def test_a_write_that_another_program_blocks_gives_up_in_time_while_reads_go_on(
    path: Path, reopen: Callable[..., Stores]
) -> None:
    stores = reopen(sqlite_busy_timeout_s=0.2)
    stores.users.merge("u", [Rating("6", 4.0, 1)])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match="is busy"):
            stores.users.merge("u", [Rating("7", 4.0, 1)])
        assert 0.15 < time.monotonic() - started < 1.0
        assert stores.users.history("u").movie_ids == ("6",)
        other.execute("ROLLBACK")
    assert stores.users.merge("u", [Rating("7", 4.0, 1)]).movie_ids == ("6", "7")


def test_a_write_waits_no_longer_than_the_request_has_left(path: Path, stores: Stores) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        with deadline(0.1), pytest.raises(StoreUnavailable):
            stores.meta.write("name", {})
        assert time.monotonic() - started < 0.5
    with deadline(0.0), pytest.raises(DeadlineExceeded):
        stores.meta.write("name", {})


def test_writers_of_this_process_queue_behind_one_another(reopen: Callable[..., Stores]) -> None:
    stores = reopen(sqlite_busy_timeout_s=0.2)
    entered, leave = threading.Event(), threading.Event()

    def slow_vectors() -> Iterator[MovieVector]:
        yield vector(HEAT, 0)
        entered.set()
        leave.wait(5)

    stores.movies.put(FILMS)
    stores.vectors.create(SPACE)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(stores.vectors.put, slow_vectors())  # slow to make, so it must not hold the lock meanwhile
        entered.wait(5)
        stores.users.merge("u", [Rating("6", 4.0, 1)])
        leave.set()
        assert slow.result().written == 1


CHILDREN = """
import os, sys
from indexer import open_stores
from indexer.types import Rating

def child(name):
    stores = open_stores(sys.argv[1])
    for n in range(20):
        stores.users.merge("u", [Rating(name + str(n), 3.0, n)])
    stores.close()
    os._exit(0)

children = [os.fork() or child(name) for name in "abcd"]
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children))
"""


def test_several_processes_may_make_the_same_new_file_at_once(path: Path) -> None:
    url = f"sqlite:///{path}"
    root = Path(indexer.__file__).parents[1]
    subprocess.run([sys.executable, "-c", CHILDREN, url], cwd=root, check=True, timeout=60)
    with closing(open_stores(url)) as stores:
        assert len(stores.users.history("u")) == 80


def test_connections_of_threads_that_have_ended_are_closed(stores: Stores) -> None:
    for _ in range(20):
        thread = threading.Thread(target=stores.users.history, args=("u",))
        thread.start()
        thread.join()
    database = stores.users._database  # type: ignore[attr-defined]
    stores.users.history("u")
    assert len(database._connections) <= 2


def test_after_one_write_one_vector_is_fetched_not_the_whole_matrix(
    stores: Stores, reopen: Callable[..., Stores]
) -> None:
    films = row_of_films(500)
    stores.movies.put(films)
    stores.vectors.create(SPACE)
    stores.vectors.put([vector(film, 90) for film in films])
    stores.vectors.nearest(at(0)[None], 1)
    other = reopen()
    other.vectors.put([vector(films[7], 0)])
    read: list[str] = []
    database = stores.vectors._database  # type: ignore[attr-defined]
    database._connection().set_trace_callback(read.append)
    assert ids(stores.vectors.nearest(at(0)[None], 1)) == ["0007"]
    assert any("version > " in sql for sql in read)
    assert not any("count(*)" in sql for sql in read)  # which begins the loading of all
    read.clear()
    stores.vectors.nearest(at(0)[None], 1)
    assert len(read) == 1  # the version, nothing else


def test_when_the_text_recipe_changes_every_film_is_pending_again(
    stores: Stores, reopen: Callable[..., Stores], monkeypatch: pytest.MonkeyPatch
) -> None:
    stores.movies.put(FILMS)
    stores.vectors.create(SPACE)
    stores.vectors.put([vector(film, 3) for film in FILMS])
    stores.close()
    monkeypatch.setattr(text, "TEXT_RECIPE", text.TEXT_RECIPE + 1)
    monkeypatch.setattr(sqlite_store, "TEXT_RECIPE", text.TEXT_RECIPE)
    again = reopen()
    assert len(list(again.movies.pending())) == len(FILMS)
    again.vectors.put([vector(film, 3) for film in FILMS])  # of the new hash
    assert list(again.movies.pending()) == []


def test_what_a_killed_rebuild_left_is_swept_by_the_next(stores: Stores) -> None:
    stores.movies.put(FILMS)
    stores.vectors.create(SPACE)
    abandoned = stores.vectors.rebuild(OTHER_SPACE)
    hidden = abandoned.__enter__()
    hidden.put([MovieVector(HEAT.id, np.ones(4, np.float32), "h")])
    with stores.vectors.rebuild(OTHER_SPACE) as second:
        second.put([MovieVector(MATRIX.id, np.ones(4, np.float32), "h")])
    with pytest.raises(VectorSpaceMismatch, match="Another rebuild"):
        abandoned.__exit__(None, None, None)
    database = stores.vectors._database  # type: ignore[attr-defined]
    assert database.rows("SELECT movie_id FROM vectors") == [(MATRIX.id,)]
    assert ids(stores.vectors.nearest(np.ones((1, 4)), 5)) == [MATRIX.id]


def test_a_forgotten_user_leaves_no_bytes_in_the_files(stores: Stores, path: Path) -> None:
    """Deleted rows stay readable in a database file unless it is told otherwise, and in its log for longer."""
    name = "somebody-with-a-name-that-can-be-looked-for"
    for n in range(40):  # a history that grows moves from page to page
        stores.users.merge(name, [Rating(f"looked-for-film-{n}-{at}", 4.0, at) for at in range(20)])
    stores.users.put_users([User(name, {"occupation": "looked-for too"})])
    stores.users.merge("another", [Rating("a", 4.0, 1)])

    def occurrences() -> int:
        return sum(file.read_bytes().count(b"looked-for") for file in path.parent.iterdir())

    assert occurrences() > 0
    assert stores.users.forget(name)
    assert occurrences() == 0
    assert stores.users.history("another").movie_ids == ("a",)


def test_a_file_of_the_first_schema_is_upgraded_with_what_it_holds(path: Path, reopen: Callable[..., Stores]) -> None:
    old = reopen()
    old.movies.put(FILMS)
    old.close()
    with closing(sqlite3.connect(path)) as file:
        file.execute("ALTER TABLE movies DROP COLUMN details")
        file.execute("PRAGMA user_version = 1")
        file.commit()
    again = reopen()
    assert again.movies.get(["6"]) == {"6": HEAT}
    rich = replace(HEAT, director=("Michael Mann",))
    again.movies.put([rich])
    assert again.movies.get(["6"]) == {"6": rich}


def test_closing_waits_for_the_calls_under_way_and_refuses_new_ones(reopen: Callable[..., Stores]) -> None:
    """A connection that is closed while another thread uses it takes the whole process down."""
    for _ in range(20):
        stores = reopen()
        refused = threading.Event()

        def work(stores: Stores = stores, refused: threading.Event = refused) -> None:
            try:
                for at in range(10_000):
                    stores.users.merge(f"user {at % 7}", [Rating(str(at), 3.0, at)])
                    list(stores.users.scan())
            except StoreUnavailable:
                refused.set()

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        time.sleep(0.02)
        stores.close()
        for thread in threads:
            thread.join(30)
        assert refused.is_set()
        assert not any(thread.is_alive() for thread in threads)
