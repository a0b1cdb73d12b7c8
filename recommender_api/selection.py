"""The k best of many scores, ties by id, without sorting them all."""

from __future__ import annotations

import numpy as np


def best(scores: np.ndarray, allowed: np.ndarray, k: int) -> np.ndarray:
    """Rows (at most k,) of the highest scores (V,) among `allowed` (V,) bool; equal scores in order of row, that is of
    id. Exact: which of several films tied at the k-th place come in is decided by id as well."""
    rows = np.flatnonzero(allowed)
    found = scores[rows]
    if k < len(rows):
        threshold = np.partition(found, len(rows) - k)[len(rows) - k]  # the k-th best score
        better = np.flatnonzero(found > threshold)
        tied = np.flatnonzero(found == threshold)[: k - len(better)]
        chosen = np.concatenate([better, tied])
        rows, found = rows[chosen], found[chosen]
    return np.asarray(rows[np.lexsort((rows, -found))], np.int64)
