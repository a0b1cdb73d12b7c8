"""Intervals and p-values, against the normal approximation and against SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from recommender_api.evaluation.uncertainty import intervals, paired_p, pooled_interval


def test_the_interval_is_that_of_the_normal_approximation_for_many_cases() -> None:
    rng = np.random.default_rng(1)
    values = {"hits": (rng.random(4000) < 0.3).astype(np.float64), "gains": rng.random(4000)}
    found = intervals(values)
    for name, column in values.items():
        half = 1.96 * column.std() / math.sqrt(len(column))
        assert found[name] == pytest.approx((column.mean() - half, column.mean() + half), abs=0.002)
    assert intervals(values) == found


def test_the_interval_of_a_pooled_error_is_scipy_s() -> None:
    rng = np.random.default_rng(2)
    counts = rng.integers(1, 40, 300)
    sums = np.array([np.square(rng.normal(0, rng.uniform(0.5, 1.5), n)).sum() for n in counts])
    low, high = pooled_interval(sums, counts, np.sqrt)
    expected = stats.bootstrap(
        (sums, counts),
        lambda s, n, axis: np.sqrt(s.sum(axis=axis) / n.sum(axis=axis)),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=2000,
        rng=np.random.default_rng(3),
    ).confidence_interval
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.01)
    assert low < math.sqrt(sums.sum() / counts.sum()) < high


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.12])
def test_the_p_value_is_scipy_s(shift: float) -> None:
    rng = np.random.default_rng(4)
    values = rng.random(200)
    others = values + rng.normal(shift, 0.5, 200)
    expected = stats.permutation_test(
        (values, others),
        lambda x, y, axis: (x - y).mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=4000,
        rng=np.random.default_rng(5),
    ).pvalue
    assert paired_p(values, others) == pytest.approx(expected, abs=0.025)
    assert paired_p(values, others) == paired_p(others, values)


def test_equal_values_cannot_be_told_apart_and_a_handful_of_differences_is_exact() -> None:
    values = np.array([0.2, 0.5, 0.0, 1.0])
    assert paired_p(values, values) == 1.0
    assert paired_p(values, values + np.array([1, 1, 1, 0])) == pytest.approx(2 / 8, abs=0.02)  # of 8 signs, 2 as far
