"""What a user likes: cuts around their own mean, a few centres, dislikes that only push."""

from __future__ import annotations

import numpy as np
import pytest

from core_api import neighbours, popular, taste
from indexer.types import Statistics


def unit(*rows: list[float]) -> np.ndarray:
    matrix = np.array(rows, np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def test_what_lies_above_the_own_mean_is_liked_the_more_the_higher():
    five, four, three, one = taste.leanings([5, 4, 3, 1] * 10).reshape(10, 4)[0]
    assert five > four > 0
    assert three >= 0
    assert one < 0


@pytest.mark.parametrize("rating", [2.5, 3, 3.5, 4, 5])
def test_somebody_who_rates_all_the_same_likes_all_of_it(rating):
    assert (taste.leanings([rating] * 30) > 0).all()


def test_one_rating_says_what_it_says():
    assert taste.leanings([5])[0] > taste.leanings([4])[0] > 0
    assert taste.leanings([0.5])[0] < 0
    assert taste.leanings([0])[0] < 0


@pytest.mark.parametrize("many", [1, 5, 50])
def test_a_low_rating_is_never_a_like_whatever_the_mean(many):
    assert (taste.leanings([0.5, 1, 1.5, 2] * many) <= 0).all()


@pytest.mark.parametrize("low", [0, 0.5, 2])
def test_a_low_rating_leaves_what_is_felt_of_all_other_films_as_it_was(low):
    """Moving the cut, it would lift films that are no better for it, its own film's neighbours among them."""
    others = [5, 4, 3.5, 3, 3, 2.5, 2, 1]
    assert (taste.leanings([*others, low])[:-1] == taste.leanings(others)).all()


def test_nothing_liked_is_no_taste():
    assert taste.taste(unit([1, 0]), np.array([-1.0], np.float32)) is None


def test_two_tastes_are_two_centres_and_the_nearer_one_counts():
    liked = unit([1, 0, 0.1], [0, 1, 0.1])
    found = taste.taste(liked, np.array([1.0, 1.0], np.float32))
    near_one, between, far = taste.scores(found, unit([1, 0, 0], [1, 1, 0], [0, 0, 1]))
    assert near_one > between > far


def test_many_films_become_a_few_centres_of_length_one():
    rng = np.random.default_rng(1)
    groups = np.eye(8, dtype=np.float32)[rng.integers(0, 3, 200)] + rng.normal(scale=0.05, size=(200, 8))
    found = taste.taste(unit(*groups.tolist()), np.ones(200, np.float32))
    assert len(found.centres) <= taste.DEFAULT.centres
    assert np.allclose(np.linalg.norm(found.centres, axis=1), 1, atol=1e-5)
    assert found.strengths.max() == 1
    assert taste.scores(found, np.eye(8, dtype=np.float32)[:3]).min() > 0.8


def test_equal_films_make_one_centre():
    found = taste.taste(unit(*[[1.0, 2.0]] * 50), np.ones(50, np.float32))
    assert len(found.centres) == 1


def test_a_disliked_film_pushes_its_like_down_and_never_up():
    vectors, leaning = unit([1, 0, 0], [0, 1, 0]), np.array([1.0, -1.0], np.float32)
    like_it, apart = unit([0, 1, 0.1], [0, 0, 1])
    with_dislike = taste.scores(taste.taste(vectors, leaning), np.stack([like_it, apart]))
    without = taste.scores(taste.taste(vectors[:1], leaning[:1]), np.stack([like_it, apart]))
    assert with_dislike[0] < without[0]
    assert with_dislike[1] == pytest.approx(without[1])


def test_the_same_history_gives_the_same_scores():
    rng = np.random.default_rng(2)
    vectors, films = unit(*rng.normal(size=(40, 6)).tolist()), unit(*rng.normal(size=(10, 6)).tolist())
    leaning = taste.leanings(rng.integers(1, 11, 40) / 2)
    first, second = (taste.scores(taste.taste(vectors, leaning), films) for _ in range(2))
    assert (first == second).all()


def test_neighbours_adds_popularity_to_nearness_and_is_popularity_where_nothing_is_liked():
    rated, films, prior = unit([1.0, 0.0]), unit([1.0, 0.1], [0.0, 1.0]), np.array([0.0, 0.2])
    liked = neighbours.scores(np.array([5.0]), rated, films, prior)
    disliked = neighbours.scores(np.array([0.5]), rated, films, prior)
    assert liked[0] > liked[1]
    assert disliked == pytest.approx(neighbours.POPULARITY_WEIGHT * prior)


def test_a_film_that_many_saw_and_few_liked_is_not_the_most_popular():
    statistics = Statistics(0, ("seen", "liked"), (100.0, 80.0), (100, 80), (1.5, 4.5), 3.5)
    assert popular.scores(statistics).argmax() == 1
    prior = popular.familiarity(popular.scores(statistics))
    assert prior.max() == 1
    assert prior.min() > 0
