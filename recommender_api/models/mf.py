"""Matrix factorisation with biases: the linear kernel of `kmf`, solved in turns instead of by gradient steps.

With the films fixed each user is a ridge regression, with the users fixed each film is (alternating least squares;
Zhou et al. 2008, "Large-scale parallel collaborative filtering for the Netflix Prize"). A half-step of
training and the fold-in of a request are the same formula. Fitted and served with numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from recommender_api.biases import fit_biases
from recommender_api.data import TrainingData
from recommender_api.models.factors import FactorOptions, FactorRanker, FilmFactors, fold


@dataclass(frozen=True)
class Options(FactorOptions):
    rounds: int = 8  # users, then films


class MatrixFactorisation(FactorRanker):
    name: ClassVar[str] = "mf"
    options_class: ClassVar[type[FactorOptions]] = Options

    @classmethod
    def fit(cls, data: TrainingData, options: Options | None = None) -> Self:
        options = options or Options()
        biases, mean = fit_biases(data), data.global_mean
        start = np.random.default_rng(options.seed).normal(scale=0.1, size=(data.n_items, options.factors))
        films = np.column_stack([biases.films, start])  # (V, D + 1)
        by_film = np.argsort(data.items, kind="stable")
        ends = np.cumsum(np.bincount(data.items, minlength=data.n_items))[:-1]
        of_film = np.split(by_film, ends)
        of_user = np.split(np.arange(len(data)), data.offsets[1:-1])
        ratings, penalties = data.ratings - mean, options.penalties
        for _ in range(options.rounds):
            users = _half(films, data.items, ratings, of_user, penalties)
            films = _half(users, data.users, ratings, of_film, penalties)
        learned = films.astype(np.float32)
        return cls(data.vocabulary, options, FilmFactors("linear", mean, learned[:, 0], learned[:, 1:], biases.counts))


def _half(
    fixed: np.ndarray, columns: np.ndarray, ratings: np.ndarray, groups: list[np.ndarray], penalties: np.ndarray
) -> np.ndarray:
    """(G, D + 1): each user (or film) from the ratings of its group, given the fixed side (F, D + 1).

    `columns` (N,) says which row of the fixed side a rating is of.
    """
    rows = np.column_stack([np.ones(len(fixed)), fixed[:, 1:]])
    solved = np.zeros((len(groups), fixed.shape[1]))
    for group, which in enumerate(groups):
        if len(which):
            at = columns[which]
            solved[group] = fold("linear", rows[at], fixed[at, 0], ratings[which], penalties)
    return solved
