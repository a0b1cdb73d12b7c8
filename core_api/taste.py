"""What a user likes, from their ratings alone, and where that lies among the vectors. Pure: no store, no clock.

Used by `core_api.neighbours` when serving, and by the evaluation over a whole matrix: both go through `scores`.
A low rating has no positive weight, so it never pulls its film's neighbours up; it pushes them down a little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_ROUNDING = 1e-4
_ROUNDS = 8  # of the clustering; it has settled by then
_EMPTY = np.empty(0, np.float32)


@dataclass(frozen=True, slots=True)
class TasteOptions:
    """The cuts are around the user's own mean, which starts from the overall one: one rating says little of how
    somebody rates. Ratings that are no likes anyway do not move it."""

    overall_mean: float = 3.5
    prior_weight: float = 5.0  # in ratings
    slack: float = 0.5  # stars below the own mean that still count as liked: most people rate what they chose to see
    lowest_liked: float = 2.0  # nothing at or below this was liked, whatever the mean
    margin: float = 1.0  # stars below the own mean from which on a film was disliked
    latest: int = 100  # films liked or disliked that are looked at, the latest ones
    centres: int = 5  # a taste is rarely one point, and rarely more than a few
    strength: float = 0.3  # how much a centre that few or barely liked films stand for loses against the strongest
    push: float = 0.2  # how much of its nearness to a disliked film is taken from a film


DEFAULT = TasteOptions()


def leanings(ratings: Sequence[float] | np.ndarray, options: TasteOptions = DEFAULT) -> np.ndarray:
    """(T,) float32 for ratings (T,): above 0 how much a film was liked, below 0 how much disliked, 0 neither."""
    given = np.asarray(ratings, np.float64)
    prior = options.prior_weight
    speaking = given[given > options.lowest_liked]  # else a low rating would make all others count as liked more,
    mean = (speaking.sum() + prior * options.overall_mean) / (len(speaking) + prior)  # and pull their neighbours up
    liked = given - (mean - options.slack)
    disliked = given - (mean - options.margin)
    is_liked = (liked > _ROUNDING) & (given > options.lowest_liked)
    is_disliked = disliked < _ROUNDING
    return np.where(is_liked, liked, np.where(is_disliked, disliked - _ROUNDING, 0.0)).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Taste:
    """A few points that the user is drawn to, and films that they are not."""

    centres: np.ndarray  # (Q, D) float32, each of length 1
    strengths: np.ndarray  # (Q,) float32, above 0, the strongest is 1
    disliked: np.ndarray  # (M, D) float32


def taste(vectors: np.ndarray, leaning: np.ndarray, options: TasteOptions = DEFAULT) -> Taste | None:
    """From the vectors (T, D) of a history's films and their leanings (T,), oldest first. None if nothing is liked."""
    felt = np.flatnonzero(leaning)[-options.latest :]
    liked, disliked = felt[leaning[felt] > 0], felt[leaning[felt] < 0]
    if not len(liked):
        return None
    centres, mass = _cluster(vectors[liked], leaning[liked], options.centres)
    return Taste(centres, mass / mass.max(), vectors[disliked])


def scores(taste: Taste, vectors: np.ndarray, options: TasteOptions = DEFAULT) -> np.ndarray:
    """(N,) float32 for films with vectors (N, D): nearness to the best centre, less some of that to a disliked film."""
    discount = 1.0 - options.strength * (1.0 - taste.strengths)  # (Q,)
    near = ((vectors @ taste.centres.T) * discount).max(axis=1)  # (N,)
    if len(taste.disliked):
        near = near - options.push * np.maximum((vectors @ taste.disliked.T).max(axis=1), 0.0)
    return np.asarray(near, np.float32)


def _cluster(vectors: np.ndarray, weights: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Weighted spherical k-means, started from films far apart: centres (Q, D), their weights (Q,). Deterministic."""
    if len(vectors) <= most:
        return vectors, weights
    centres = vectors[_far_apart(vectors, weights, most)]
    for _ in range(_ROUNDS):
        nearest = (vectors @ centres.T).argmax(axis=1)  # (L,)
        member = np.zeros((len(centres), len(vectors)), np.float32)  # (Q, L)
        member[nearest, np.arange(len(vectors))] = weights
        sums = member @ vectors  # (Q, D)
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(length > _ROUNDING, sums / np.maximum(length, _ROUNDING), centres)
    mass = member.sum(axis=1)
    kept = mass > 0
    return centres[kept], mass[kept]


def _far_apart(vectors: np.ndarray, weights: np.ndarray, most: int) -> list[int]:
    chosen = [int(weights.argmax())]
    nearest = vectors @ vectors[chosen[0]]  # (L,) cosine with the nearest film chosen so far
    while len(chosen) < most:
        following = int((weights * (1.0 - nearest)).argmax())
        chosen.append(following)
        nearest = np.maximum(nearest, vectors @ vectors[following])
    return chosen
