"""Every format of MovieLens says the same of the same invented data set."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.datasets import DatasetError, open_dataset
from indexer.types import Rating
from tests.support import movielens, world
from tests.support.movielens import FORMATS, GENRES, RATINGS, TITLES, YEARS

every_format = pytest.mark.parametrize("name", FORMATS)


@every_format
def test_every_format_gives_the_same_films(name: str, tmp_path: Path) -> None:
    dataset = open_dataset(movielens.write(tmp_path / name, FORMATS[name]))
    films = {movie.id: movie for movie in dataset.movies()}
    assert {id: movie.title for id, movie in films.items()} == TITLES
    assert {id: movie.genres for id, movie in films.items()} == GENRES
    assert {id: movie.year for id, movie in films.items()} == YEARS
    assert dataset.name == name
    assert dataset.missing == ()
    assert len(dataset.report) == 0


@every_format
def test_every_format_gives_the_same_ratings(name: str, tmp_path: Path) -> None:
    dataset = open_dataset(movielens.write(tmp_path / name, FORMATS[name]))
    assert sorted(dataset.ratings(), key=_by_user_and_film) == sorted(RATINGS, key=_by_user_and_film)
    assert dataset.count_rows("ratings") == len(RATINGS)
    assert len(dataset.report) == 0


@every_format
def test_an_archive_is_read_like_the_folder_in_it(name: str, tmp_path: Path) -> None:
    folder = open_dataset(movielens.write(tmp_path / name, FORMATS[name]))
    archive = open_dataset(movielens.write_zip(tmp_path / "packed" / f"{name}.zip", FORMATS[name], inside=f"{name}-x"))
    assert archive.name == name
    assert list(archive.movies()) == list(folder.movies())
    assert list(archive.ratings()) == list(folder.ratings())
    assert list(archive.users()) == list(folder.users())
    assert archive.fingerprint == folder.fingerprint


@every_format
def test_names_of_files_do_not_matter(name: str, tmp_path: Path) -> None:
    renamed = {f"{number}.txt": content for number, content in enumerate(FORMATS[name].values())}
    dataset = open_dataset(movielens.write(tmp_path / "other", renamed))
    assert sorted(dataset.ratings(), key=_by_user_and_film) == sorted(RATINGS, key=_by_user_and_film)
    assert {movie.id: movie.title for movie in dataset.movies()} == TITLES


@pytest.mark.parametrize("name", ["ml-20m", "ml-25m", "ml-32m", "ml-latest", "ml-latest-small"])
def test_tags_are_distinct_and_the_most_used_come_first(name: str, tmp_path: Path) -> None:
    dataset = open_dataset(movielens.write(tmp_path / name, FORMATS[name]))
    tags = {movie.id: movie.tags for movie in dataset.movies()}
    assert tags == {"1": ("Otters", "brass band"), "2": (), "3": (), "4": ("plums, mostly", 'the "good" son')}


def test_tags_of_10m_may_hold_the_separator_or_be_numbers(tmp_path: Path) -> None:
    dataset = open_dataset(movielens.write(tmp_path / "ml-10m", FORMATS["ml-10m"]))
    tags = {movie.id: movie.tags for movie in dataset.movies()}
    assert tags["4"] == ("plums, mostly", "plums::and::sons", 'the "good" son')
    assert tags["3"] == ("1984",)


def test_links_become_ids_of_imdb_and_tmdb(tmp_path: Path) -> None:
    dataset = open_dataset(movielens.write(tmp_path / "ml-25m", FORMATS["ml-25m"]))
    assert {movie.id: (movie.imdb_id, movie.tmdb_id) for movie in dataset.movies()} == {
        "1": ("tt0000101", "201"),
        "2": ("tt10000102", "202"),
        "3": ("tt0000103", None),
        "4": (None, "204"),
    }


def test_attributes_of_users_are_read(tmp_path: Path) -> None:
    hundred = open_dataset(movielens.write(tmp_path / "ml-100k", FORMATS["ml-100k"]))
    million = open_dataset(movielens.write(tmp_path / "ml-1m", FORMATS["ml-1m"]))
    assert {user.id: user.attributes for user in hundred.users()}["3"] == {
        "age": "23",
        "gender": "M",
        "occupation": "writer",
        "zip_code": "T8H1N",
    }
    assert {user.id: user.attributes for user in million.users()}["2"] == {
        "gender": "F",
        "age": "50",
        "occupation": "0",
        "zip_code": "94043",
    }


def test_users_with_a_header_keep_the_names_of_the_columns(tmp_path: Path) -> None:
    files = FORMATS["ml-25m"] | {"people.csv": b"City,user_id,Shoe size\nVellun,1,44\n,2,38\n"}
    dataset = open_dataset(movielens.write(tmp_path / "own", files))
    assert [(user.id, user.attributes) for user in dataset.users()] == [
        ("1", {"City": "Vellun", "Shoe size": "44"}),
        ("2", {"Shoe size": "38"}),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfuserId,movieId,rating,timestamp\r\n1,1,4.0,1000\r\n",
        b"timestamp,rating,movieId,userId\n1000,4.0,1,1\n",
        b",userId,movieId,comment,rating,timestamp\n0,1,1,fine,4.0,1000\n",
        b'"user_id","movie_id","rating","timestamp"\n"1","1","4.0","1000"\n',
        b"User ID;Item ID;Rating;Timestamp\n1;1;4;1000\n",
        b"userId\tmovieId\trating\ttimestamp\n1.0\t1.0\t4.00\t1000.0\n",
        b"1,1,4.0,1000\n",
        b"\n\nuserId,movieId,rating,timestamp\n\n 1 , 1 , 4.0 , 1000 \n\n",
        b"userId,movieId,rating,timestamp\n1,1,4.0,1000",
    ],
    ids=["bom-crlf", "order", "extra", "quoted", "semicolon", "floats", "headless", "blank", "no-newline"],
)
def test_tables_come_in_many_dresses(content: bytes, tmp_path: Path) -> None:
    files = {"movies.csv": FORMATS["ml-25m"]["movies.csv"], "ratings.csv": content}
    dataset = open_dataset(movielens.write(tmp_path / "own", files))
    assert list(dataset.ratings()) == RATINGS[:1]
    assert len(dataset.report) == 0


def test_ratings_without_times_keep_the_order_of_the_file(tmp_path: Path) -> None:
    files = {"movies.csv": FORMATS["ml-25m"]["movies.csv"], "r.csv": b"userId,movieId,rating\n1,2,3\n1,1,4\n"}
    dataset = open_dataset(movielens.write(tmp_path / "own", files))
    assert [(rating.movie_id, rating.timestamp) for _user, rating in dataset.ratings()] == [("2", 0), ("1", 0)]
    assert dataset.missing == ("The ratings of own have no time: their order in the file is taken for it.",)


def test_films_without_ratings_say_what_is_missing(tmp_path: Path) -> None:
    files = {name: FORMATS["ml-1m"][name] for name in ("movies.dat", "users.dat")}
    dataset = open_dataset(movielens.write(tmp_path / "ml-1m", files))
    assert len(list(dataset.movies())) == 4
    assert list(dataset.ratings()) == []
    assert dataset.missing == ("ml-1m has no file of ratings (such as ratings.csv, ratings.dat, u.data).",)


def test_sequences_are_translated_to_the_ids_of_the_films(tmp_path: Path) -> None:
    files = {
        "movies.dat": FORMATS["ml-1m"]["movies.dat"],
        "order.txt": b"1 1\n1 2\n1 3\n2 2\n2 1\n",
        "to_original_items.txt": b"1 4\n2 3\n3 1\n",
        "to_original_users.txt": b"1 77\n2 78\n",
    }
    dataset = open_dataset(movielens.write(tmp_path / "sequences", files))
    assert list(dataset.sequences()) == [("77", "4"), ("77", "3"), ("77", "1"), ("78", "3"), ("78", "4")]
    assert list(dataset.ratings()) == []  # a sequence has no ratings, and none are made up
    assert "sequences of films, which can be evaluated but not loaded" in dataset.missing[0]


def test_the_demo_world_is_read_as_it_is() -> None:
    dataset = open_dataset(world.DEMO)
    assert tuple(dataset.movies()) == world.movies()
    ratings: dict[str, list[object]] = {}
    for user, rating in dataset.ratings():
        ratings.setdefault(user, []).append(rating)
    assert {user: set(rows) for user, rows in ratings.items()} == {u: set(r) for u, r in world.ratings().items()}
    assert len(dataset.report) == 0


def test_a_folder_without_tables_is_refused_with_what_is_needed(tmp_path: Path) -> None:
    movielens.write(tmp_path / "empty", {"notes.txt": b"nothing here\n", "links.csv": FORMATS["ml-25m"]["links.csv"]})
    with pytest.raises(DatasetError, match=r"holds no data set.*movies\.csv.*ratings\.csv"):
        open_dataset(tmp_path / "empty")


def test_a_folder_of_several_data_sets_is_refused_with_their_names(tmp_path: Path) -> None:
    movielens.write(tmp_path / "ml-1m", FORMATS["ml-1m"])
    movielens.write(tmp_path / "ml-25m", FORMATS["ml-25m"])
    with pytest.raises(DatasetError, match=r"several data sets \(ml-1m, ml-25m\)"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("content", [b"\xff\xfeu\0s\0e\0r\0", b"\xfe\xff\0u\0s\0e\0r"])
def test_utf_16_is_named(content: bytes, tmp_path: Path) -> None:
    movielens.write(tmp_path / "own", {"ratings.csv": content})
    with pytest.raises(DatasetError, match=r"ratings\.csv is UTF-16: save it as UTF-8"):
        open_dataset(tmp_path / "own")


def _by_user_and_film(entry: tuple[str, Rating]) -> tuple[str, str]:
    user, rating = entry
    return user, rating.movie_id


def test_a_file_that_is_none_of_our_business_does_no_harm(tmp_path: Path) -> None:
    strange = {"notes.txt": b"\xff\xfeu\0s\0", "blob.dat": b"\0" * 2_500_000, "more.csv": b""}
    dataset = open_dataset(movielens.write(tmp_path / "own", FORMATS["ml-1m"] | strange))
    assert len(list(dataset.ratings())) == len(RATINGS)


def test_a_folder_of_thousands_of_files_is_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    movielens.write(tmp_path, FORMATS["ml-1m"])
    monkeypatch.setattr("indexer.datasets.source._MOST_ENTRIES", len(FORMATS["ml-1m"]))
    with pytest.raises(DatasetError, match="holds thousands of files"):
        open_dataset(tmp_path)
