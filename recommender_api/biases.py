"""How much better than the average a film is rated, with users' scales taken out: the baseline under every rating.

    r(u, i) is about  mean + film(i) + user(u)

Both are shrunk towards zero by a few imaginary ratings (Koren 2008, "Factorization meets the neighborhood",
section 2.1), solved in turns. Film offsets are learned; a user's offset is worked out from the history in a request.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender_api.data import TrainingData

_ROUNDS = 5
FILM_SHRINKAGE, USER_SHRINKAGE = 3.0, 5.0  # imaginary ratings at the average


@dataclass(frozen=True, eq=False)
class Biases:
    mean: float
    films: np.ndarray  # (V,) float32 offsets
    counts: np.ndarray  # (V,) float32, how many ratings each offset rests on


def fit_biases(data: TrainingData) -> Biases:
    mean = data.global_mean
    film_counts = np.bincount(data.items, minlength=data.n_items)
    user_counts = np.bincount(data.users, minlength=data.n_users)
    centred = data.ratings.astype(np.float64) - mean
    films, users = np.zeros(data.n_items), np.zeros(data.n_users)
    for _ in range(_ROUNDS):
        films = np.bincount(data.items, centred - users[data.users], data.n_items) / (film_counts + FILM_SHRINKAGE)
        users = np.bincount(data.users, centred - films[data.items], data.n_users) / (user_counts + USER_SHRINKAGE)
    return Biases(mean, films.astype(np.float32), film_counts.astype(np.float32))


def user_offset(residuals: np.ndarray) -> float:
    """From what the user's ratings (T,) differ from mean + film offset."""
    return float(residuals.sum(dtype=np.float64) / (len(residuals) + USER_SHRINKAGE))


def surprises_of(biases: Biases, films: np.ndarray, ratings: np.ndarray) -> tuple[float, np.ndarray]:
    """(the user's offset, (T,) how much better each of the films (T,) was rated than the averages said)."""
    residuals = ratings - (biases.mean + biases.films[films])
    user = user_offset(residuals)
    return user, residuals - user
