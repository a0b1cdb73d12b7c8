# ruff: noqa: E501  (rows of files as they are)
"""The Movies Dataset and TMDB 5000, by hand, in the shapes that they have: nested columns, shifted rows, two id worlds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer import open_stores
from indexer.datasets import DatasetError, open_dataset
from indexer.datasets.nested import parse_records
from indexer.datasets.values import BadField
from indexer.embed import embed_pending
from indexer.enrich import enrich
from indexer.load import load_dataset
from indexer.ports import Stores
from indexer.types import Movie
from tests.support import movielens
from tests.support.hash_embedder import HashEmbedder
from tests.support.real_data import real_dataset

TMDB_MOVIES = """budget,genres,homepage,id,keywords,original_title,overview,release_date,title,vote_average
1,"[{""id"": 28, ""name"": ""Action""}, {""id"": 80, ""name"": ""Crime""}]",,949,"[{""id"": 1, ""name"": ""heist""}]",Heat,"A thief, a ""cop"",

and a city.",1995-12-15,Heat,7.7
2,[],,862,"[{""id"": 2, ""name"": ""toy""}, {""id"": 3, ""name"": ""toy""}]",Toy Story,,1995-10-30,Toy Story,7.7
"""
TMDB_CREDITS = """movie_id,title,cast,crew
949,Heat,"[{""name"": ""Al Pacino"", ""order"": 0}, {""name"": ""Robert De Niro"", ""order"": 1}]","[{""job"": ""Editor"", ""name"": ""X""}, {""job"": ""Director"", ""name"": ""Michael Mann""}]"
"""
KAGGLE_MOVIES = """adult,genres,id,imdb_id,original_title,overview,release_date,title,video
False,"[{'id': 80, 'name': 'Crime'}]",949,tt0113277,Heat,Obsessive master thief.,1995-12-15,Heat,False
False,"[{'id': 16, 'name': 'Animation'}]",862,tt0114709,Toy Story,"Led by Woody, Andy's toys live happily.",1995-10-30,Toy Story,False
 - Written by somebody,0.065736,1997-08-20,104.0,Released,Midnight Man,1,6,x
False,__import__('os').system('x'),11,tt1,Evil,Text,1990-01-01,Evil,False
False,[],862,tt0114709,Toy Story again,Text,1995-10-30,Toy Story again,False
False,[],31,tt2,Nameless,Text,,,False
False,[],77,tt3,Memento,Text,2000-10-11,Memento,False
"""
KAGGLE_KEYWORDS = """id,keywords
949,"[{'id': 642, 'name': 'robbery'}, {'id': 703, 'name': ""somebody's detective""}]"
862,[]
"""
KAGGLE_LINKS = "movieId,imdbId,tmdbId\n6,0113277,949.0\n1,0114709,862.0\n8,0000008,\n"
RATINGS_SMALL = "userId,movieId,rating,timestamp\n1,6,4.0,10\n1,1,3.5,11\n2,999,1.0,5\n"
RATINGS = RATINGS_SMALL + "3,6,5.0,20\n"


def written(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / f"{name}.csv").write_text(content, "utf-8")
    return folder


@pytest.fixture
def kaggle(tmp_path: Path) -> Path:
    return written(
        tmp_path / "the-movies-dataset",
        movies_metadata=KAGGLE_MOVIES,
        keywords=KAGGLE_KEYWORDS,
        links=KAGGLE_LINKS,
        ratings=RATINGS,
        ratings_small=RATINGS_SMALL,
    )


@pytest.fixture
def tmdb(tmp_path: Path) -> Path:
    return written(tmp_path / "tmdb-5000", tmdb_5000_movies=TMDB_MOVIES, tmdb_5000_credits=TMDB_CREDITS)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    stores = open_stores(f"sqlite:///{tmp_path}/rich.db")
    yield stores
    stores.close()


def test_tmdb_5000_has_films_with_cast_director_and_an_overview_over_several_lines(tmdb: Path) -> None:
    dataset = open_dataset(tmdb)
    heat, toys = dataset.movies()
    assert heat == Movie(
        "949",
        "Heat",
        ("Action", "Crime"),
        year=1995,
        tmdb_id="949",
        keywords=("heist",),
        cast=("Al Pacino", "Robert De Niro"),
        director=("Michael Mann",),
        overview='A thief, a "cop", and a city.',
    )
    assert (toys.keywords, toys.cast, toys.overview) == (("toy",), (), "")
    assert len(dataset.report) == 0
    assert dataset.missing == ("tmdb-5000 has no file of ratings (such as ratings.csv, ratings.dat, u.data).",)


def test_the_movies_dataset_has_the_ids_that_its_ratings_use(kaggle: Path) -> None:
    films = {film.id: film for film in open_dataset(kaggle).movies()}
    assert set(films) == {"6", "1"}
    assert (films["6"].title, films["6"].year, films["6"].imdb_id, films["6"].tmdb_id) == (
        "Heat",
        1995,
        "tt0113277",
        "949",
    )
    assert films["6"].keywords == ("robbery", "somebody's detective")
    assert films["1"].overview == "Led by Woody, Andy's toys live happily."


def test_shifted_rows_and_columns_that_are_no_lists_are_set_aside_with_their_lines(kaggle: Path) -> None:
    dataset = open_dataset(kaggle)
    list(dataset.movies())
    rows = [(row.line, row.reason) for row in dataset.report.rows if row.file == "movies_metadata.csv"]
    assert rows == [(4, "bad number"), (5, "bad nested column"), (6, "repeated"), (7, "no title")]


def test_the_small_ratings_are_read_unless_all_are_asked_for(kaggle: Path) -> None:
    small, full = open_dataset(kaggle), open_dataset(kaggle, full=True)
    assert [(user, rating.movie_id) for user, rating in small.ratings()] == [("1", "6"), ("1", "1")]
    assert small.report.count("ratings_small.csv", "unknown movie") == 1
    assert [(user, rating.movie_id) for user, rating in full.ratings()] == [("1", "6"), ("1", "1"), ("3", "6")]


def test_beside_a_catalogue_with_links_it_adds_what_is_missing_and_only_that(
    stores: Stores, tmdb: Path, tmp_path: Path
) -> None:
    base = Movie("6", "Heat (1995)", ("Crime",), ("pacino",), 1995, "tt0113277", "949")
    other = Movie("7", "Sabrina (1995)", ("Romance",), tmdb_id="11860")
    stores.movies.put([base, other])
    embedder = HashEmbedder()
    embed_pending(stores, embedder)
    summary = enrich(stores, open_dataset(tmdb))
    assert (summary.movies, summary.only_added) == (1, True)
    heat = stores.movies.get(["6"])["6"]
    assert (heat.id, heat.title, heat.genres, heat.tags) == (base.id, base.title, base.genres, base.tags)
    assert (heat.director, heat.keywords) == (("Michael Mann",), ("heist",))
    assert stores.movies.get(["7"])["7"] == other
    assert [film.id for film in stores.movies.pending()] == ["6"]  # its text is another one now
    assert enrich(stores, open_dataset(tmdb)).movies == 0


def test_loading_the_catalogue_again_keeps_what_was_added(stores: Stores, tmp_path: Path) -> None:
    folder = movielens.write(tmp_path / "ml", movielens.FORMATS["ml-latest-small"])
    load_dataset(stores, open_dataset(folder))
    linked = next(film for film in stores.movies.scan() if film.tmdb_id)
    rows = f"id,keywords\n{linked.tmdb_id},\"[{{'name': 'otter'}}]\"\n"
    enrich(stores, open_dataset(written(tmp_path / "more", keywords=rows)))
    load_dataset(stores, open_dataset(folder))
    assert stores.movies.get([linked.id])[linked.id].keywords == ("otter",)


def test_what_cannot_be_joined_is_refused_in_a_sentence(stores: Stores, tmdb: Path) -> None:
    stores.movies.put([Movie("6", "Heat (1995)")])
    with pytest.raises(DatasetError, match="load a catalogue with links first"):
        enrich(stores, open_dataset(tmdb))


@pytest.mark.parametrize("text", ["{}", "[1, 2]", "open('x')", "[" * 10_000, "[{'a': 1}" + " " * 2**21, "'text'", "[{"])
def test_a_nested_column_is_parsed_and_never_run(text: str) -> None:
    with pytest.raises(BadField, match="bad nested column"):
        parse_records(text)


@pytest.mark.slow
def test_the_real_ones_join_most_of_latest_small(stores: Stores) -> None:
    load_dataset(stores, open_dataset(real_dataset("ml-latest-small")))
    keywords = enrich(stores, open_dataset(real_dataset("kaggle-movies-keywords")))
    overviews = enrich(stores, open_dataset(real_dataset("tmdb-5000")))
    films = list(stores.movies.scan())
    assert keywords.failures == overviews.failures == ()
    assert sum(bool(film.keywords) for film in films) > 8_600  # of 9,742
    assert sum(bool(film.overview) for film in films) > 3_500
