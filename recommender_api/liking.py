"""Which films of a history a user liked, and which they disliked: a cut around the user's own mean.

Sequence models ignore the values of ratings, so only liked films may enter their sequence; a low rating must not pull.
Used by every ranker that reads a history as a sequence, in training and in serving alike.
"""

from __future__ import annotations

import numpy as np

SLACK = 1.0  # stars; of 0, 0.5, 1, 1.5 and no cut at all the best for `transitions` on latest-small (docs/log.md)
PRIOR_WEIGHT = 5.0  # how many ratings at the overall mean the own mean starts from
LOWEST_LIKED = 2.0  # whatever the mean, nothing at or below this was liked
_ROUNDING = 1e-4


def own_mean(ratings: np.ndarray, overall_mean: float) -> float:
    """The user's mean, shrunk to the overall one: with one rating hardly anything is known of how they rate.

    Ratings of what was certainly not liked stay out: they would lower the cut, and so let other films count as liked.
    """
    speaking = ratings[ratings > LOWEST_LIKED]
    return float((speaking.sum(dtype=np.float64) + PRIOR_WEIGHT * overall_mean) / (len(speaking) + PRIOR_WEIGHT))


def liked(ratings: np.ndarray, overall_mean: float, slack: float = SLACK) -> np.ndarray:
    """(T,) bool: rated no more than `slack` below the user's own mean, and above `LOWEST_LIKED`."""
    return (ratings >= own_mean(ratings, overall_mean) - slack - _ROUNDING) & (ratings > LOWEST_LIKED)


def disliked(ratings: np.ndarray, overall_mean: float, margin: float = SLACK) -> np.ndarray:
    """(T,) bool: rated at least `margin` below the user's own mean."""
    return ratings <= own_mean(ratings, overall_mean) - margin + _ROUNDING
