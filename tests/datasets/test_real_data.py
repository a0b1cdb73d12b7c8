"""MovieLens itself: what the readers make of it, and how long they take."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from indexer import open_stores
from indexer.datasets import open_dataset
from indexer.export import export, export_dataset
from indexer.load import load_dataset
from tests.support.real_data import real_dataset


def test_latest_small_is_read_whole() -> None:
    dataset = open_dataset(real_dataset("ml-latest-small"))
    films = {movie.id: movie for movie in dataset.movies()}
    ratings = list(dataset.ratings())
    assert (len(films), len(ratings), len({user for user, _rating in ratings})) == (9742, 100_836, 610)
    assert len(dataset.report) == 0
    assert dataset.missing == ()
    first = films["1"]
    assert (first.title, first.year, first.tags) == ("Toy Story (1995)", 1995, ("pixar", "fun"))
    assert (first.imdb_id, first.tmdb_id) == ("tt0114709", "862")
    assert sum(not movie.genres for movie in films.values()) == 34  # "(no genres listed)"
    assert sum(movie.year is None for movie in films.values()) < 20


@pytest.mark.slow
def test_latest_small_is_in_sqlite_in_seconds_and_the_second_time_changes_nothing(tmp_path: Path) -> None:
    dataset = open_dataset(real_dataset("ml-latest-small"))
    stores = open_stores(f"sqlite:///{tmp_path}/s.db")
    begun = time.process_time()
    summary = load_dataset(stores, dataset)
    assert time.process_time() - begun < 3
    assert (summary.movies, summary.users, summary.ratings, summary.complete) == (9742, 610, 100_836, True)
    first = export(stores, tmp_path / "first")
    load_dataset(stores, dataset)
    assert export(stores, tmp_path / "second") == first
    assert export_dataset(dataset, tmp_path / "files") == first
    stores.close()


@pytest.mark.slow
def test_1m_without_ratings_has_films_users_and_sequences() -> None:
    dataset = open_dataset(real_dataset("ml-1m"))
    films = {movie.id: movie for movie in dataset.movies()}
    assert len(films) == 3883
    assert films["73"].title == "Misérables, Les (1995)"  # Latin-1
    assert len(list(dataset.users())) == 6040
    if not dataset.has_sequences:
        assert len(list(dataset.ratings())) == 1_000_209  # the archive of GroupLens
        return
    assert "has no file of ratings" in dataset.missing[0]
    seen = list(dataset.sequences())
    assert (len(seen), len({user for user, _movie in seen})) == (999_611, 6040)
    assert {movie for _user, movie in seen} <= films.keys()
