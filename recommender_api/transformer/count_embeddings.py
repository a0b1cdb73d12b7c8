"""Film vectors from counts alone: what is watched near what, factored. Where BERT4Rec's item embedding starts.

From random vectors the cloze task spends its first hundred epochs at the level of popularity; from these it leaves it
in the first. The method is the factored pointwise mutual information that word2vec is known to approximate
(Levy and Goldberg 2014), with nearness weighted as in `transitions`.
"""

from __future__ import annotations

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.models.transitions import count_transitions

SMOOTHING = 5.0  # added to each film's count, so that one chance meeting makes no neighbours


def count_embeddings(data: TrainingData, dimension: int, lags: int = 10) -> np.ndarray:
    """(V, D) float32 of unit variance; zeros where data has too few films. Same data, same vectors."""
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import eigsh

    vectors = np.zeros((data.n_items, dimension), np.float32)
    rank = min(dimension, data.n_items - 1)
    directed = count_transitions(data.users, data.items, data.n_items, lags)
    near = csr_array(directed + directed.T)  # (V, V)
    if rank < 1 or not near.nnz:
        return vectors
    totals = np.asarray(near.sum(axis=1)) + SMOOTHING  # (V,)
    rows = np.repeat(np.arange(data.n_items), np.diff(near.indptr))
    start = np.random.default_rng(0).random(data.n_items)  # fixed: the same vectors every time
    near.data = np.log1p(near.data * totals.sum() / (totals[rows] * totals[near.indices]))
    # The positive part of the spectrum alone: one embedding is input and output at once, so E E^T is what can be near.
    values, directions = eigsh(near, k=rank, which="LA", v0=start)
    factors = directions * np.sqrt(np.maximum(values, 0.0))  # (V, rank)
    vectors[:, :rank] = factors / max(float(factors.std()), 1e-12)
    return vectors
