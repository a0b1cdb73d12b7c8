"""Popularity is a decayed count relative to the latest rating, over films that the catalogue knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer import open_stores, statistics
from indexer.ports import Stores
from indexer.types import Movie, Rating, Statistics

DAY = 86_400


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    opened = open_stores(f"sqlite:///{tmp_path}/s.db")
    yield opened
    opened.close()


def test_a_rating_counts_half_one_half_life_before_the_latest(stores: Stores) -> None:
    stores.movies.put([Movie("new", "New"), Movie("old", "Old"), Movie("unrated", "Unrated")])
    stores.users.merge("u", [Rating("new", 5.0, 1000 * DAY), Rating("old", 1.0, 990 * DAY)])
    stores.users.merge("v", [Rating("old", 2.0, 980 * DAY), Rating("not in the catalogue", 4.0, 1000 * DAY)])
    computed = statistics.compute(stores, half_life_days=10)
    assert computed.movie_ids == ("new", "old")
    assert computed.popularity == pytest.approx((1.0, 0.5 + 0.25))
    assert computed.counts == (1, 2)
    assert computed.means == (5.0, 1.5)
    assert computed.global_mean == 3.0


def test_the_order_in_which_users_are_read_does_not_matter(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    films = [Movie(str(n), f"Film {n}") for n in range(20)]
    stores.movies.put(films)
    for user in range(30):
        ratings = [Rating(str((user * 7 + n) % 20), float(n % 5), (user * 13 + n * 17) % 400 * DAY) for n in range(6)]
        stores.users.merge(f"u{user:02}", ratings)
    at_once = statistics.compute(stores, half_life_days=30)
    monkeypatch.setattr(statistics, "_USERS_AT_A_TIME", 4)
    in_parts = statistics.compute(stores, half_life_days=30)
    assert in_parts.movie_ids == at_once.movie_ids
    assert in_parts.counts == at_once.counts
    assert in_parts.popularity == pytest.approx(at_once.popularity)
    assert in_parts.means == pytest.approx(at_once.means)


def test_ties_come_by_id_and_an_empty_store_has_empty_statistics(stores: Stores) -> None:
    empty = statistics.compute(stores)
    assert (empty.movie_ids, empty.global_mean) == ((), 0.0)
    stores.movies.put([Movie("b", "B"), Movie("a", "A")])
    stores.users.merge("u", [Rating("b", 3.0, 5), Rating("a", 3.0, 5)])
    assert statistics.compute(stores).movie_ids == ("a", "b")


def test_what_was_written_is_read_and_other_documents_are_not_taken_for_it(stores: Stores) -> None:
    assert statistics.read(stores) is None
    written = Statistics(7, ("a", "b"), (2.5, 1.0), (3, 1), (4.0, 2.0), 3.5)
    statistics.write(stores, written)
    assert statistics.read(stores) == written
    stores.meta.write(statistics.DOCUMENT, {"of": "another version"})
    assert statistics.read(stores) is None
