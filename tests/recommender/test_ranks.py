"""Ranks and what is counted from them, against figures worked out by hand and the slow way of saying the same."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recommender_api.evaluation.ranks import Ranks, ranks_of, top_k


def test_ranks_hits_and_gains_of_one_film_by_hand() -> None:
    scores = np.array([[0.1, 0.9, 0.5, 0.7], [3.0, 2.0, 1.0, 0.0]], np.float32)
    ranks = Ranks.of(ranks_of(scores, [np.array([2]), np.array([3])]))
    assert ranks.ranks.tolist() == [3, 4]
    assert ranks.hits(3).tolist() == ranks.recall(3).tolist() == [1.0, 0.0]
    assert ranks.gains(10) == pytest.approx([1 / math.log2(4), 1 / math.log2(5)])
    assert Ranks.of([np.array([rank]) for rank in (1, 10, 11)]).gains(10) == pytest.approx([1.0, 1 / math.log2(11), 0])
    assert ranks.reciprocal() == pytest.approx([1 / 3, 1 / 4])


def test_several_relevant_films_by_hand() -> None:
    """One case with films at ranks 2, 5 and 40, one with two films, at ranks 1 and 2."""
    ranks = Ranks.of([np.array([5, 2, 40]), np.array([1, 2])])
    assert ranks.hits(3).tolist() == [1.0, 1.0]
    assert ranks.recall(5).tolist() == pytest.approx([2 / 3, 1.0])
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert ranks.gains(5) == pytest.approx([(1 / math.log2(3) + 1 / math.log2(6)) / ideal, 1.0])
    assert ranks.gains(2) == pytest.approx([(1 / math.log2(3)) / (1 + 1 / math.log2(3)), 1.0])  # at most two places
    assert ranks.reciprocal().tolist() == [0.5, 1.0]


def test_without_cases_there_are_no_values() -> None:
    ranks = Ranks.of([])
    assert len(ranks) == len(ranks.gains(10)) == len(ranks.reciprocal()) == len(ranks.hits(10)) == 0


def test_ties_go_to_the_lower_row_in_ranks_and_in_lists() -> None:
    scores = np.array([[1.0, 2.0, 2.0, 2.0, 1.0]], np.float32)
    assert top_k(scores, 4).tolist() == [[1, 2, 3, 0]]
    assert ranks_of(scores, [np.arange(5)])[0].tolist() == [4, 1, 2, 3, 5]


def test_ranks_and_lists_agree_with_sorting_everything() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 30, (50, 80)).astype(np.float32)  # many ties
    scores[rng.random(scores.shape) < 0.2] = -np.inf
    targets = [rng.permutation(80)[: rng.integers(1, 9)] for _ in range(50)]
    slow = [sorted(range(80), key=lambda row: (-line[row], row)) for line in scores]
    for found, order, of_case in zip(ranks_of(scores, targets), slow, targets, strict=True):
        assert found.tolist() == [order.index(target) + 1 for target in of_case]
    expected_lists = [[row for row in order if scores[at, row] > -np.inf][:10] for at, order in enumerate(slow)]
    assert top_k(scores, 10).tolist() == expected_lists


def test_a_list_is_filled_with_minus_one_where_no_films_are_left() -> None:
    scores = np.array([[1.0, -np.inf, 3.0, -np.inf]], np.float32)
    assert top_k(scores, 3).tolist() == [[2, 0, -1]]
    assert top_k(scores, 9).tolist() == [[2, 0, -1, -1]]
