"""How sure a figure is: bootstrap intervals, and a paired randomisation test between two scorers.

The unit is the user (one case each): ratings of one user depend on each other, users hardly do. One seed, so the same
cases give the same interval.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

RESAMPLES = 1000
PERMUTATIONS = 10_000
_SEED = 42
_AT_ONCE = 2_000_000  # drawn numbers held in memory


def resampled(n: int) -> Iterator[np.ndarray]:
    """RESAMPLES times n rows, drawn with replacement."""
    rng = np.random.default_rng(_SEED)
    for _ in range(RESAMPLES):
        yield rng.integers(0, n, n)


def intervals(values: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    """95 % bootstrap interval (Efron 1979, percentiles) of the mean of each column of values (C,), one a user."""
    columns = np.stack(list(values.values()), axis=1)  # (C, M)
    means = np.stack([columns[rows].mean(axis=0) for rows in resampled(len(columns))])
    bounds = np.quantile(means, [0.025, 0.975], axis=0).T.tolist()
    return {name: (low, high) for name, (low, high) in zip(values, bounds, strict=True)}


def pooled_interval(
    sums: np.ndarray, counts: np.ndarray, finish: Callable[[np.ndarray], np.ndarray] = lambda means: means
) -> tuple[float, float]:
    """95 % bootstrap interval of a mean over all ratings, from each user's sum (C,) and number of ratings (C,).

    `finish` is applied to each resampled mean, as the square root for RMSE.
    """
    means = np.array([sums[rows].sum() / counts[rows].sum() for rows in resampled(len(sums))])
    low, high = np.quantile(finish(means), [0.025, 0.975])
    return float(low), float(high)


def paired_p(values: np.ndarray, others: np.ndarray) -> float:
    """Two-sided p-value of "both are equally good", from values (C,) of the same cases.

    Fisher's randomisation test: if both were the same, each difference could as well have had the other sign. The share
    of random signs whose mean difference is at least as far from 0 as the measured one, itself counted among them.
    """
    differences = np.asarray(values - others, np.float64)
    differences = differences[differences != 0]  # no sign changes those
    if not len(differences):
        return 1.0
    rng = np.random.default_rng(_SEED)
    measured = abs(differences.sum()) * (1 - 1e-12)  # equal sums may differ in their last digits
    step = max(1, _AT_ONCE // len(differences))
    as_far = 0
    for at in range(0, PERMUTATIONS, step):
        signs = rng.integers(0, 2, (min(step, PERMUTATIONS - at), len(differences)), np.int8) * 2 - 1
        as_far += int((np.abs(signs @ differences) >= measured).sum())
    return (as_far + 1) / (PERMUTATIONS + 1)
