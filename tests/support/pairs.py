"""Data with a known right answer for models of sequences: films come in pairs, and the second follows the first."""

from __future__ import annotations

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.models.base import Query

FILMS = 20  # rows 0..19; 2n and 2n + 1 are a pair


def pairs_data(users: int = 80, seed: int = 0) -> TrainingData:
    """Each user watches six of the ten pairs in random order: an even film, and the next odd one right after it."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"u{user:03}", 2 * pair + half) for user in range(users) for pair in rng.permutation(10)[:6] for half in (0, 1)
    ]
    return TrainingData.from_columns(
        [user for user, _ in rows], [f"f{film:02}" for _, film in rows], np.full(len(rows), 4.0), np.arange(len(rows))
    )


def ending_in(film: int) -> Query:
    """Three whole pairs, then `film`, the first half of another."""
    pairs = [pair for pair in range(10) if pair != film // 2][:3]
    items = np.array([*(2 * pair + half for pair in pairs for half in (0, 1)), film])
    return Query(items, np.full(len(items), 4.0, np.float32), np.arange(len(items)))
