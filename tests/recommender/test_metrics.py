"""Metrics against figures worked out by hand, and against the slow way of saying the same."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recommender_api.evaluation import metrics


def test_ranks_hits_and_gains_by_hand() -> None:
    scores = np.array([[0.1, 0.9, 0.5, 0.7], [3.0, 2.0, 1.0, 0.0]], np.float32)
    ranks = metrics.ranks_of(scores, np.array([2, 3]))
    assert ranks.tolist() == [3, 4]
    assert metrics.hits(ranks, 3).tolist() == [1.0, 0.0]
    assert metrics.gains(ranks, 10) == pytest.approx([1 / math.log2(4), 1 / math.log2(5)])
    assert metrics.gains(np.array([1, 10, 11]), 10) == pytest.approx([1.0, 1 / math.log2(11), 0.0])


def test_ties_go_to_the_lower_row_in_ranks_and_in_lists() -> None:
    scores = np.array([[1.0, 2.0, 2.0, 2.0, 1.0]], np.float32)
    assert metrics.top_k(scores, 4).tolist() == [[1, 2, 3, 0]]
    assert [int(metrics.ranks_of(scores, np.array([row]))[0]) for row in range(5)] == [4, 1, 2, 3, 5]


def test_ranks_and_lists_agree_with_sorting_everything() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 30, (50, 80)).astype(np.float32)  # many ties
    scores[rng.random(scores.shape) < 0.2] = -np.inf
    targets = rng.integers(0, 80, 50)
    slow = [sorted(range(80), key=lambda row: (-line[row], row)) for line in scores]
    expected_ranks = [order.index(target) + 1 for order, target in zip(slow, targets, strict=True)]
    assert metrics.ranks_of(scores, targets).tolist() == expected_ranks
    expected_lists = [[row for row in order if scores[at, row] > -np.inf][:10] for at, order in enumerate(slow)]
    assert metrics.top_k(scores, 10).tolist() == expected_lists


def test_a_list_is_filled_with_minus_one_where_no_films_are_left() -> None:
    scores = np.array([[1.0, -np.inf, 3.0, -np.inf]], np.float32)
    assert metrics.top_k(scores, 3).tolist() == [[2, 0, -1]]
    assert metrics.top_k(scores, 9).tolist() == [[2, 0, -1, -1]]


def test_coverage_counts_each_film_once() -> None:
    assert metrics.coverage(np.array([[1, 2, -1], [2, 3, -1]]), 6) == 0.5


def test_rmse_and_mae_by_hand() -> None:
    errors = np.array([1.0, -2.0, 0.0, 3.0], np.float32)
    assert metrics.rmse(errors) == pytest.approx(math.sqrt(14 / 4))
    assert metrics.mae(errors) == pytest.approx(1.5)


def test_the_interval_is_that_of_the_normal_approximation_for_many_cases() -> None:
    values = (np.random.default_rng(1).random(4000) < 0.3).astype(np.float64)
    low, high = metrics.interval(values)
    half = 1.96 * math.sqrt(values.mean() * (1 - values.mean()) / len(values))
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.002)
    assert metrics.interval(values) == (low, high)
    assert metrics.interval(values, np.sqrt) == pytest.approx((math.sqrt(low), math.sqrt(high)), abs=1e-3)
