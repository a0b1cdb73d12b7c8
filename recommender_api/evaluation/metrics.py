"""What is counted: rank-based metrics over the full ranking, errors of predicted ratings, intervals by bootstrap.

Ties are broken by row everywhere, so that a metric and the list that a user would see never disagree, and a model that
gives all films one score is not rewarded for it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

RESAMPLES = 1000
_AT_ONCE = 2_000_000  # drawn numbers held in memory


def ranks_of(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Rank (B,) of each target row in its row of scores (B, V); 1 is best."""
    own = np.take_along_axis(scores, targets[:, None], axis=1)  # (B, 1)
    tied_before = (scores == own) & (np.arange(scores.shape[1]) < targets[:, None])
    return np.asarray(1 + ((scores > own) | tied_before).sum(axis=1))


def top_k(scores: np.ndarray, k: int) -> np.ndarray:
    """Rows (B, k) of the best films, best first; -1 where fewer than k have a score above minus infinity."""
    k = min(k, scores.shape[1])
    least = np.partition(scores, -k, axis=1)[:, -k]  # (B,) the k-th best score
    best = np.full((len(scores), k), -1, np.int64)
    for row, (values, limit) in enumerate(zip(scores, least, strict=True)):
        rows = np.flatnonzero((values >= limit) & np.isfinite(values))
        rows = rows[np.argsort(-values[rows], kind="stable")][:k]
        best[row, : len(rows)] = rows
    return best


def hits(ranks: np.ndarray, k: int) -> np.ndarray:
    """(B,) 1.0 where the one relevant film is among the first k; their mean is HR@k, with one target also Recall@k."""
    return (ranks <= k).astype(np.float64)


def gains(ranks: np.ndarray, k: int) -> np.ndarray:
    """(B,) 1 / log2(rank + 1) within the first k, else 0; their mean is NDCG@k for one relevant film a case."""
    return np.where(ranks <= k, 1.0 / np.log2(ranks + 1.0), 0.0)


def coverage(lists: np.ndarray, n_candidates: int) -> float:
    """Share of the candidates that anybody is recommended."""
    return len(np.unique(lists[lists >= 0])) / max(1, n_candidates)


def rmse(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(errors, dtype=np.float64))))


def mae(errors: np.ndarray) -> float:
    return float(np.mean(np.abs(errors), dtype=np.float64))


def interval(
    values: np.ndarray, finish: Callable[[np.ndarray], np.ndarray] = lambda means: means, seed: int = 42
) -> tuple[float, float]:
    """95 % bootstrap interval of the mean of the values (n,); `finish` is applied to each resampled mean."""
    rng = np.random.default_rng(seed)
    n = len(values)
    chunk = max(1, _AT_ONCE // max(1, n))
    means = np.concatenate(
        [
            values[rng.integers(0, n, (min(chunk, RESAMPLES - done), n))].mean(axis=1)
            for done in range(0, RESAMPLES, chunk)
        ]
    )
    low, high = np.quantile(finish(means), [0.025, 0.975])
    return float(low), float(high)
