"""More of one genre, less of another, whatever ranks: a film with factor f at place p is put where p / f would be.

Scores of two models have no common scale, places have: 2 lets a film overtake the half above it, 0.5 lets it fall to
twice its place, 1 changes nothing. A film of several named genres has the product, within the bounds of one factor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from core_api.wishes import Item

LEAST, MOST = 0.2, 5.0  # of a factor
_DEEPEST = 2_000  # places: how far down a ranking is fetched for what might rise


def boosted(items: Sequence[Item], boost: Mapping[str, float]) -> list[Item]:
    """The items (best first) in their new order; equal places keep their order."""
    keyed = [(place / factor(item.movie.genres, boost), item) for place, item in enumerate(items, start=1)]
    return [item for _, item in sorted(keyed, key=lambda pair: pair[0])]


def factor(genres: Sequence[str], boost: Mapping[str, float]) -> float:
    return min(MOST, max(LEAST, math.prod(boost.get(genre, 1.0) for genre in genres)))


def depth(k: int, boost: Mapping[str, float]) -> int:
    """How many places must be known so that the first k after boosting are right: a film from below place d could
    rise above the k-th only with a factor beyond all that are possible."""
    if not boost:
        return k
    highest = min(MOST, math.prod(max(value, 1.0) for value in boost.values()))
    lowest = max(LEAST, math.prod(min(value, 1.0) for value in boost.values()))
    return max(k, min(math.ceil(k * highest / lowest), _DEEPEST))
