"""What lists are like beyond being right, by hand and by counting pairs one by one."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from recommender_api.data import TrainingData
from recommender_api.evaluation import lists as of_lists
from recommender_api.evaluation.lists import Catalogue
from recommender_api.testing.checkerboard import FILMS, checkerboard

ALL = np.ones(FILMS, bool)


def small() -> TrainingData:
    """Film a rated by all four users, b by two, c by one; d only after the cut, so by nobody."""
    rows = [("1", "a"), ("2", "a"), ("3", "a"), ("4", "a"), ("1", "b"), ("2", "b"), ("3", "c"), ("4", "d")]
    data = TrainingData.from_columns(
        [user for user, _ in rows],
        [film for _, film in rows],
        [4.0] * 8,
        [1] * 8,
        genres={"a": ("War",), "b": ("War", "Drama"), "c": ("Comedy",)},
    )
    return data.select(data.items < 3)


def test_novelty_coverage_and_the_head_by_hand() -> None:
    catalogue = Catalogue.of(small(), np.array([True, True, True, True]))
    assert catalogue.information.tolist() == pytest.approx([0.0, 1.0, 2.0, 2.0])  # unrated: as if one user had
    assert catalogue.head.tolist() == [True, False, False, False]
    lists = np.array([[0, 1], [2, -1]])
    assert of_lists.novelty(lists, catalogue).tolist() == pytest.approx([0.5, 2.0])
    assert of_lists.head_share(lists, catalogue).tolist() == pytest.approx([0.5, 0.0])
    assert of_lists.coverage(lists, catalogue) == 0.75


def test_diversity_is_by_genres_where_there_are_no_vectors() -> None:
    catalogue = Catalogue.of(small(), np.ones(4, bool))
    lists = np.array([[0, 1], [0, 2], [0, 3], [2, -1]])  # d has no genre: like nothing
    assert of_lists.diversity(lists, catalogue) == pytest.approx([1 - 1 / math.sqrt(2), 1.0, 1.0, 0.0], abs=1e-6)


def test_diversity_is_the_mean_over_all_pairs_of_vectors() -> None:
    data = checkerboard()
    assert data.vectors is not None
    rng = np.random.default_rng(3)
    lists = np.stack([rng.permutation(FILMS)[:10] for _ in range(20)])
    slow = [np.mean([1 - data.vectors[a] @ data.vectors[b] for a, b in combinations(films, 2)]) for films in lists]
    assert of_lists.diversity(lists, Catalogue.of(data, ALL)) == pytest.approx(np.array(slow), abs=1e-5)
    by_genre = of_lists.diversity(lists, Catalogue.of(replace(data, vectors=None), ALL))
    pairs = [np.mean([data.genres[a] != data.genres[b] for a, b in combinations(films, 2)]) for films in lists]
    assert by_genre == pytest.approx(np.array(pairs), abs=1e-6)


def test_the_interval_of_the_coverage_holds_its_value() -> None:
    rng = np.random.default_rng(5)
    lists = np.stack([rng.permutation(FILMS)[:3] for _ in range(12)])
    catalogue = Catalogue.of(checkerboard(), ALL)
    low, high = of_lists.coverage_interval(lists, catalogue)
    assert 0 < low < of_lists.coverage(lists, catalogue) < high <= 1
