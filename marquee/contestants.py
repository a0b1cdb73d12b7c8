"""The words of `marquee evaluate`, NAME or NAME@VERSION, as the models that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from marquee.strategies import NAMES
from service_kit.errors import InvalidRequest

if TYPE_CHECKING:
    from recommender_api.comparison import Contestant


def contestants(words: Sequence[str]) -> dict[str, Contestant]:
    """By the name of their row, which is the word. The core's strategies are compared anyway and left out here."""
    return {word: _contestant(word) for word in words if word not in NAMES}


def _contestant(word: str) -> Contestant:
    from recommender_api.comparison import Contestant
    from recommender_api.models.registry import check_name

    model, at, version = word.partition("@")
    check_name(model)
    if at and not version:
        raise InvalidRequest(f"{word} names no version; `marquee models list` shows those that there are.")
    return Contestant(model, version or None)
