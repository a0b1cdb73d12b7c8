"""Loading a data set into a store: everything arrives, twice changes nothing, strangers are refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from indexer import open_stores, statistics
from indexer.datasets import DatasetError, open_dataset
from indexer.load import by_user, is_loaded, load_dataset
from indexer.ports import Stores
from indexer.types import History, Rating
from service_kit.progress import Advance
from tests.support import movielens, world
from tests.support.movielens import FORMATS, RATINGS, TITLES


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    stores = open_stores(f"sqlite:///{tmp_path}/store/s.db")
    yield stores
    stores.close()


class Recorder:
    """Progress as numbers: what -> (total, done)."""

    def __init__(self) -> None:
        self.tasks: dict[str, list[int | None]] = {}

    @contextmanager
    def task(self, what: str, total: int | None = None) -> Iterator[Advance]:
        entry = self.tasks[what] = [total, 0]

        def advance(done: int) -> None:
            entry[1] = (entry[1] or 0) + done

        yield advance


def content(stores: Stores) -> object:
    return (
        list(stores.movies.scan()),
        list(stores.users.scan()),
        list(stores.users.scan_users()),
        stores.meta.read("datasets"),
    )


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_loads_into_the_store(name: str, stores: Stores, tmp_path: Path) -> None:
    dataset = open_dataset(movielens.write(tmp_path / name, FORMATS[name]))
    summary = load_dataset(stores, dataset)
    assert (summary.movies, summary.users, summary.ratings) == (4, 3, 10)
    assert summary.complete
    assert {movie.id: movie.title for movie in stores.movies.scan()} == TITLES
    assert stores.users.history("1") == History(("4", "1", "2", "3"), (1.0, 4.0, 3.0, 5.0), (900, 1000, 1001, 1002))
    assert sum(len(history) for _user, history in stores.users.scan()) == len(RATINGS)


def test_attributes_of_users_arrive_beside_their_histories(stores: Stores, tmp_path: Path) -> None:
    load_dataset(stores, open_dataset(movielens.write(tmp_path / "ml-1m", FORMATS["ml-1m"])))
    user = stores.users.user("2")
    assert user is not None
    assert user.attributes["gender"] == "F"
    assert len(stores.users.history("2")) == 3


def test_loading_twice_changes_nothing(stores: Stores, tmp_path: Path) -> None:
    dataset = open_dataset(movielens.write(tmp_path / "ml-25m", FORMATS["ml-25m"]))
    assert not is_loaded(stores, dataset)
    first = load_dataset(stores, dataset)
    before = content(stores)
    again = load_dataset(stores, open_dataset(tmp_path / "ml-25m"))
    assert content(stores) == before
    assert replace(again, seconds=0) == replace(first, seconds=0)
    assert is_loaded(stores, dataset)


def test_statistics_are_there_after_a_load(stores: Stores, tmp_path: Path) -> None:
    load_dataset(stores, open_dataset(movielens.write(tmp_path / "ml-25m", FORMATS["ml-25m"])))
    computed = statistics.read(stores)
    assert computed is not None
    assert dict(zip(computed.movie_ids, computed.counts, strict=True)) == {"1": 3, "2": 3, "3": 2, "4": 2}


def test_what_was_set_aside_is_summed_up_and_the_rest_is_there(stores: Stores, tmp_path: Path) -> None:
    bad = b"9,1,9.0,1\n,1,4.0,1\n9,99,4.0,1\n1,1,4.0,1000\n1,1,3.5,1500\n9,1,4.0,1\n"
    files = FORMATS["ml-25m"] | {"ratings.csv": FORMATS["ml-25m"]["ratings.csv"] + bad}
    summary = load_dataset(stores, open_dataset(movielens.write(tmp_path / "own", files)))
    assert not summary.complete
    assert summary.set_aside == {"repeated": 2, "impossible rating": 1, "no user": 1, "unknown movie": 1}
    assert (summary.users, summary.ratings) == (4, 11)
    assert sum(len(history) for _user, history in stores.users.scan()) == 11
    assert dict(zip(*_columns(stores.users.history("1")), strict=True))["1"] == 3.5  # the later time counts


def test_a_second_data_set_whose_users_are_others_is_refused_without_merge(stores: Stores, tmp_path: Path) -> None:
    load_dataset(stores, open_dataset(movielens.write(tmp_path / "ml-25m", FORMATS["ml-25m"])))
    before = content(stores)
    other = FORMATS["ml-1m"] | {"ratings.dat": b"2::1::4::1000\n"}
    dataset = open_dataset(movielens.write(tmp_path / "ml-1m", other))
    with pytest.raises(DatasetError, match=r"already has a user 2, which came with ml-25m.*--store.*--merge"):
        load_dataset(stores, dataset)
    assert content(stores) == before
    assert not is_loaded(stores, dataset)
    load_dataset(stores, dataset, merge=True)
    assert is_loaded(stores, dataset)


def test_a_second_data_set_whose_films_are_others_is_refused_without_merge(stores: Stores, tmp_path: Path) -> None:
    load_dataset(stores, open_dataset(movielens.write(tmp_path / "ml-25m", FORMATS["ml-25m"])))
    other = {"movies.csv": b"movieId,title,genres\n9,New (2000),Drama\n2,Quite Another (2000),Drama\n"}
    with pytest.raises(DatasetError, match=r"film 2 as 'Été à Vellun \(1991\)', not as 'Quite Another \(2000\)'"):
        load_dataset(stores, open_dataset(movielens.write(tmp_path / "other", other)))
    assert stores.movies.get(["9"]) == {}


def test_a_second_data_set_with_ids_of_its_own_needs_no_merge(stores: Stores, tmp_path: Path) -> None:
    load_dataset(stores, open_dataset(movielens.write(tmp_path / "ml-25m", FORMATS["ml-25m"])))
    other = {"movies.csv": b"movieId,title,genres\n9,New (2000),Drama\n", "r.dat": b"44::9::4::1000\n"}
    load_dataset(stores, open_dataset(movielens.write(tmp_path / "other", other)))
    assert (stores.movies.count(), stores.users.count().users) == (5, 4)


def test_the_same_data_set_elsewhere_is_no_second_one(stores: Stores, tmp_path: Path) -> None:
    load_dataset(stores, open_dataset(movielens.write(tmp_path / "ml-25m", FORMATS["ml-25m"])))
    packed = movielens.write_zip(tmp_path / "copy.zip", FORMATS["ml-25m"], inside="ml-25m")
    assert load_dataset(stores, open_dataset(packed)).complete


def test_an_interrupted_load_is_not_taken_for_a_whole_one(stores: Stores, tmp_path: Path) -> None:
    dataset = open_dataset(movielens.write(tmp_path / "ml-25m", FORMATS["ml-25m"]))

    class Interrupting(Recorder):
        @contextmanager
        def task(self, what: str, total: int | None = None) -> Iterator[Advance]:
            if "ratings" in what:
                raise KeyboardInterrupt
            yield lambda _done: None

    with pytest.raises(KeyboardInterrupt):
        load_dataset(stores, dataset, progress=Interrupting())
    assert not is_loaded(stores, dataset)
    load_dataset(stores, dataset)
    assert is_loaded(stores, dataset)
    assert stores.users.count().ratings == 10


def test_progress_tells_how_many_rows_there_are(stores: Stores) -> None:
    recorder = Recorder()
    load_dataset(stores, open_dataset(world.DEMO), progress=recorder)
    assert recorder.tasks["loading films"] == [40, 40]
    assert recorder.tasks["loading ratings"] == [205, 205]


def test_the_demo_world_loads_as_it_is(stores: Stores) -> None:
    load_dataset(stores, open_dataset(world.DEMO))
    assert {movie.id: movie for movie in stores.movies.scan()} == {movie.id: movie for movie in world.movies()}
    histories = {user: list(zip(*_columns(history), strict=True)) for user, history in stores.users.scan()}
    assert histories == {
        user: [(rating.movie_id, rating.rating) for rating in rows] for user, rows in world.ratings().items()
    }


def test_a_data_set_without_ratings_loads_its_films_and_says_what_is_missing(stores: Stores, tmp_path: Path) -> None:
    files = {name: FORMATS["ml-1m"][name] for name in ("movies.dat", "users.dat")}
    summary = load_dataset(stores, open_dataset(movielens.write(tmp_path / "ml-1m", files)))
    assert (summary.movies, summary.users, summary.ratings) == (4, 0, 0)
    assert summary.missing[0].startswith("ml-1m has no file of ratings")


def test_ratings_are_grouped_by_user_a_block_at_a_time() -> None:
    rows = [(user, Rating(film, 1.0, 0)) for user, film in [("a", "1"), ("b", "1"), ("a", "2"), ("a", "3"), ("b", "2")]]
    whole = {user: [rating.movie_id for rating in ratings] for user, ratings in by_user(rows)}
    assert whole == {"a": ["1", "2", "3"], "b": ["1", "2"]}
    blocks = [(user, [rating.movie_id for rating in ratings]) for user, ratings in by_user(rows, block=3)]
    assert blocks == [("a", ["1", "2"]), ("b", ["1"]), ("a", ["3"]), ("b", ["2"])]


def _columns(history: History) -> tuple[tuple[str, ...], tuple[float, ...]]:
    return history.movie_ids, history.ratings
