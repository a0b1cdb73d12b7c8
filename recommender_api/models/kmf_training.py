"""Stochastic gradient descent for `kmf`, in batches: the gradients are four lines, so they are written out.

Only the vectors that a batch touches are moved, so a step costs the batch and not the catalogue.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from recommender_api.biases import fit_biases
from recommender_api.data import TrainingData
from recommender_api.models.factors import SPAN, FilmFactors, inverse
from recommender_api.models.folding import LOWEST
from recommender_api.models.kmf import Options

_START = 0.05  # standard deviation of the first vectors, in the units of z per rating of one star


def train(data: TrainingData, options: Options) -> tuple[FilmFactors, np.ndarray]:
    """The film side, and the users' (bias, vector) (U, D + 1) as they were trained. Same seed, same numbers."""
    biases = fit_biases(data)
    constant = inverse(options.kernel, data.global_mean)
    steepness = _slope(options.kernel, torch.tensor(constant)).item()  # stars for one unit of z
    generator = torch.Generator().manual_seed(options.seed)
    users = _start(data.n_users, options, steepness, generator)  # (U, D + 1)
    films = _start(data.n_items, options, steepness, generator)  # (V, D + 1)
    films[:, 0] = torch.from_numpy(biases.films) / steepness
    _descend(data, options, constant, users, films, generator)
    learned = films.numpy()
    side = FilmFactors(options.kernel, data.global_mean, learned[:, 0].copy(), learned[:, 1:].copy(), biases.counts)
    return side, users.numpy()


def _start(rows: int, options: Options, steepness: float, generator: torch.Generator) -> Tensor:
    theta = torch.randn(rows, options.factors + 1, generator=generator).mul_(_START / steepness**0.5)
    theta[:, 0] = 0
    return theta


def _descend(
    data: TrainingData, options: Options, constant: float, users: Tensor, films: Tensor, generator: torch.Generator
) -> None:
    """Moves `users` and `films` in place to a small sum of squared errors and penalties."""
    user_of, film_of, ratings = (torch.tensor(column) for column in (data.users, data.items, data.ratings))
    penalties = torch.from_numpy(options.penalties).float()  # (D + 1,)
    # A vector's penalty is spread over its ratings, so that an epoch counts it once.
    user_share = 1 / torch.bincount(user_of, minlength=len(users)).clamp(min=1)
    film_share = 1 / torch.bincount(film_of, minlength=len(films)).clamp(min=1)
    steps = options.epochs * -(-len(data) // options.batch_size)
    step = 0
    for _ in range(options.epochs):
        for batch in torch.split(torch.randperm(len(data), generator=generator), options.batch_size):
            rate = options.learning_rate * (1 - step / steps)
            u, i = user_of[batch], film_of[batch]  # (B,)
            p, q = users[u], films[i]  # (B, D + 1)
            z = constant + p[:, 0] + q[:, 0] + (p[:, 1:] * q[:, 1:]).sum(dim=1)
            pull = (_stars(options.kernel, z) - ratings[batch]) * _slope(options.kernel, z)  # (B,) d loss / d z
            users.index_add_(0, u, pull[:, None] * _with_one(q) + penalties * p * user_share[u, None], alpha=-rate)
            films.index_add_(0, i, pull[:, None] * _with_one(p) + penalties * q * film_share[i, None], alpha=-rate)
            step += 1


def _with_one(theta: Tensor) -> Tensor:
    """What z changes by when the other side's (bias, vector) does: 1 for the bias, this side's vector."""
    return torch.cat([torch.ones_like(theta[:, :1]), theta[:, 1:]], dim=1)


def _stars(kernel: str, z: Tensor) -> Tensor:
    return z if kernel == "linear" else LOWEST + SPAN * torch.sigmoid(z)


def _slope(kernel: str, z: Tensor) -> Tensor:
    """Stars that one unit of z is worth."""
    share = torch.sigmoid(z)
    return torch.ones_like(z) if kernel == "linear" else SPAN * share * (1 - share)
