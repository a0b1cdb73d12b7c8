"""Films that are rated alike: what somebody thought of them says what they will think of this one (item kNN).

    likeness(i, j) = correlation of surprises over the users who rated both, shrunk by 100 imaginary users
    estimate(u, i) = weighted mean of u's surprises over films that are like i     (Koren 2008, section 2.2)

A surprise is a rating less what the averages said. Only the most alike films are kept, so the table stays V x 100.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from recommender_api.biases import Biases, surprises_of
from recommender_api.data import TrainingData

KEPT = 100
_SHRINKAGE = 100.0  # users
_PRIOR = 0.3  # likeness to a film of no surprise, in the mean
_AT_ONCE = 256  # films whose likeness to all is held dense


@dataclass(frozen=True, eq=False)
class Neighbours:
    films: np.ndarray  # (V, K) int32
    likeness: np.ndarray  # (V, K) float32, 0 to 1; 0 where there is none

    @classmethod
    def fit(cls, data: TrainingData, biases: Biases) -> Self:
        from scipy.sparse import csr_array

        surprises = [surprises_of(biases, past.items, past.ratings)[1] for past in data.histories()]
        values = np.concatenate(surprises).astype(np.float32)
        pairs, shape = (data.users, data.items), (data.n_users, data.n_items)
        given = csr_array((values, pairs), shape=shape)  # (U, V)
        squares = csr_array((np.square(values), pairs), shape=shape)
        rated = csr_array((np.ones(len(values), np.float32), pairs), shape=shape)
        kept = min(KEPT, data.n_items)
        films = np.zeros((data.n_items, kept), np.int32)
        likeness = np.zeros((data.n_items, kept), np.float32)
        given_of, squares_of, rated_of = given.T.tocsr(), squares.T.tocsr(), rated.T.tocsr()
        for start in range(0, data.n_items, _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            both = (rated_of[rows] @ rated).toarray()  # (B, V) users who rated both
            own, others = (squares_of[rows] @ rated).toarray(), (rated_of[rows] @ squares).toarray()
            alike = (given_of[rows] @ given).toarray() / np.sqrt(np.maximum(own * others, 1e-9))
            alike *= np.maximum(both - 1, 0) / (np.maximum(both - 1, 0) + _SHRINKAGE)
            alike[np.arange(len(alike)), np.arange(start, start + len(alike))] = 0.0  # itself
            best = np.argpartition(-alike, kept - 1, axis=1)[:, :kept]
            films[rows] = best
            likeness[rows] = np.clip(np.take_along_axis(alike, best, axis=1), 0.0, 1.0)
        return cls(films, likeness)

    def estimate(self, films: np.ndarray, surprises: np.ndarray, items: np.ndarray) -> np.ndarray:
        """(N, 2) float32 for items (N,): the mean surprise, and how much likeness it rests on."""
        known, felt = np.zeros(len(self.films), np.float32), np.zeros(len(self.films), np.float32)
        known[films], felt[films] = 1.0, surprises
        near, weights = self.films[items], self.likeness[items]  # (N, K)
        resting = (weights * known[near]).sum(axis=1)
        return np.stack([(weights * felt[near]).sum(axis=1) / (resting + _PRIOR), resting], axis=1)
