"""Which films of a history did the user like? Shared by the models that read a history as a sequence of likings.

Sequence models ignore the values of ratings, so a film that was disliked must not enter them: it would pull its like
up. The cut lies a little below the user's own mean, because people who rate everything 3 or everything 5 mean the same.
"""

from __future__ import annotations

import numpy as np

PRIOR_MEAN, PRIOR_WEIGHT = 3.5, 5.0  # a short history says little about its owner's scale
MARGIN = 1.0  # below the own mean; measured in docs/decisions/050-bert4rec.md
ALWAYS_DISLIKED_BELOW, ALWAYS_LIKED_FROM = 2.5, 4.0


def liked(ratings: np.ndarray, margin: float = MARGIN) -> np.ndarray:
    """Mask (T,) of the ratings (T,) that speak for their film.

    The cut is the user's own mean, drawn towards 3.5 while the history is short, less `margin`; it stays between 2.5
    and 4, so a 0.5 never counts as liked and a 5 always does.
    """
    mean = (ratings.sum() + PRIOR_MEAN * PRIOR_WEIGHT) / (len(ratings) + PRIOR_WEIGHT)
    cut = np.clip(mean - margin, ALWAYS_DISLIKED_BELOW, ALWAYS_LIKED_FROM)
    return np.asarray(ratings >= cut)
