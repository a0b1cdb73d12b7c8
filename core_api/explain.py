"""Why a film is recommended, told simply: the liked films whose vectors are nearest to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core_api import taste
from core_api.wishes import Item
from indexer.ports import Stores
from indexer.types import History

_LATEST_LIKED = 200
_MOST_REASONS = 2
_ALIKE = 0.4  # cosine; below it two films have little to do with each other


def reasons(stores: Stores, items: Sequence[Item], history: History) -> tuple[Item, ...]:
    """The items with up to two liked films each, nearest first; none where nothing liked is near."""
    leaning = taste.leanings(history.ratings)
    liked = [movie_id for movie_id, value in zip(history.movie_ids, leaning, strict=True) if value > 0]
    vectors = stores.vectors.get(list(dict.fromkeys(liked[-_LATEST_LIKED:] + [item.movie.id for item in items])))
    liked = [movie_id for movie_id in dict.fromkeys(liked[-_LATEST_LIKED:]) if movie_id in vectors]
    if not liked:
        return tuple(items)
    matrix = np.stack([vectors[movie_id] for movie_id in liked])  # (L, D)
    nearest: dict[str, list[str]] = {}
    for item in items:
        if item.movie.id in vectors:
            cosines = matrix @ vectors[item.movie.id]
            best = [row for row in np.argsort(-cosines)[:_MOST_REASONS] if cosines[row] >= _ALIKE]
            nearest[item.movie.id] = [liked[row] for row in best]
    films = stores.movies.get(sorted({movie_id for ids in nearest.values() for movie_id in ids}))
    told = [[films[id] for id in nearest.get(item.movie.id, ()) if id in films] for item in items]
    return tuple(replace(item, because=tuple(because)) for item, because in zip(items, told, strict=True))
