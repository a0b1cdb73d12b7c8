"""Ridge regression in closed form (Hoerl and Kennard 1970), and its penalty by leaving out one rating at a time."""

from __future__ import annotations

import numpy as np

from recommender_api.biases import Biases, surprises_of
from recommender_api.data import TrainingData

PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0)
_USERS, _LATEST = 500, 300  # that the penalty is chosen on


def ridge(features: np.ndarray, targets: np.ndarray, penalty: float) -> np.ndarray:
    """w (D,) for films (T, D) and targets (T,), through whichever of the two normal equations is smaller."""
    x = features.astype(np.float64)
    films, dimension = x.shape
    if films <= dimension:
        solved = x.T @ np.linalg.solve(x @ x.T + penalty * np.eye(films), targets)
    else:
        solved = np.linalg.solve(x.T @ x + penalty * np.eye(dimension), x.T @ targets)
    return np.asarray(solved, np.float32)


def best_penalty(data: TrainingData, biases: Biases, matrix: np.ndarray) -> float:
    """The one of `PENALTIES` that predicts users' surprises best from their other films in matrix (V, D).

    Nothing is fitted again for it: without rating t the ridge would miss it by alpha_t / inverse_tt, where alpha is
    the solution of the dual problem and inverse that of its matrix (Allen 1974).
    """
    errors = np.zeros(len(PENALTIES))
    users = np.flatnonzero(np.diff(data.offsets) > 1)
    for user in np.random.default_rng(0).permutation(users)[:_USERS]:
        past = data.history(user)
        films, surprises = past.items[-_LATEST:], surprises_of(biases, past.items, past.ratings)[1][-_LATEST:]
        x = matrix[films].astype(np.float64)
        values, vectors = np.linalg.eigh(x @ x.T)
        along = vectors.T @ surprises
        for place, penalty in enumerate(PENALTIES):
            shrunk = 1 / (np.maximum(values, 0.0) + penalty)
            errors[place] += np.square((vectors @ (shrunk * along)) / (np.square(vectors) @ shrunk)).sum()
    return PENALTIES[int(errors.argmin())]
