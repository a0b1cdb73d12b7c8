"""The benchmark of recommendations from a film: what is asked, what is held back, and how a list is judged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks import from_film
from indexer import open_stores
from indexer.ports import Stores
from indexer.types import History
from tests.support import world


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    made = open_stores(f"sqlite:///{tmp_path}/world.db")
    world.fill(made)
    yield made
    made.close()


def history(*stars: float) -> History:
    return History(tuple("abcdefghij"[: len(stars)]), stars, tuple(range(len(stars))))


def test_the_film_is_the_last_that_was_liked_early_and_all_after_it_is_held_back() -> None:
    case = from_film.case_of("u", history(5, 4, 1, 1, 5))
    assert case is not None
    assert (case.film, case.known.movie_ids) == ("b", ("a", "b"))
    assert case.later == {"c": 1, "d": 1, "e": 5}
    assert case.liked == {"e"}


@pytest.mark.parametrize("stars", [(1, 1, 1, 1, 5), (5, 5, 5, 5, 1), ()])
def test_who_liked_nothing_early_or_nothing_later_is_not_asked(stars: tuple[float, ...]) -> None:
    assert from_film.case_of("u", history(*stars)) is None


def test_lists_are_held_against_what_came_later() -> None:
    case = from_film.case_of("u", history(5, 4, 1, 1, 5))
    assert case is not None
    films = [f"other {place}" for place in range(10)]
    found = from_film.judge([["e", "d", *films[:8]], ["d", "e", *films[:8]], films], [case] * 3)
    np.testing.assert_allclose(found.rated, [0.2, 0.2, 0])
    np.testing.assert_allclose(found.liked, [0.1, 0.1, 0])
    np.testing.assert_allclose(found.gains, [1, 1 / np.log2(3), 0])


def test_nothing_of_what_came_later_is_known_and_every_way_answers(stores: Stores) -> None:
    cases = from_film.draw(stores, 5)
    assert len(cases) == 5
    assert cases == from_film.draw(stores, 5)
    with from_film.before(stores, cases) as core:
        for case in cases:
            assert core.stores.users.history(case.user_id) == case.known
            for way in from_film.WAYS.values():
                films = way(core, case)
                assert films
                assert not set(films) & set(case.known.movie_ids)
    assert stores.users.history(cases[0].user_id) != cases[0].known  # the user's own store is as it was


def test_a_row_for_each_way(stores: Stores) -> None:
    rows = list(from_film.measure(stores, 5))
    assert [row[0] for row in rows] == list(from_film.WAYS)
    assert all(len(row) == len(from_film.HEADER) for row in rows)
    assert [bool(row[-1]) for row in rows] == [False, False, False, True]
