"""The words of `marquee evaluate` as models that are compared: NAME, NAME@VERSION, or LABEL=NAME for a second row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from marquee.strategies import NAMES
from service_kit.errors import InvalidRequest

if TYPE_CHECKING:
    from recommender_api.comparison import Contestant

_LABEL = re.compile("[0-9A-Za-z][0-9A-Za-z_-]*")  # names a file of `--out`, too


def contestants(words: Sequence[str], options: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Contestant]:
    """By the name of their row: the label, else the word. `options` are by that name, too.

    The core's strategies are compared anyway and left out here. Raises InvalidRequest or ModelUnavailable for a word
    that cannot be.
    """
    found: dict[str, Contestant] = {}
    for word in words:
        if word in NAMES:
            continue
        label, labelled, name = word.rpartition("=")
        if labelled and not _LABEL.fullmatch(label):
            raise InvalidRequest(
                f"{word}: {label!r} is no label; letters, digits, - and _ make one, as in other={name}."
            )
        row = label or word
        one = _contestant(name, (options or {}).get(row))
        if row in NAMES or found.setdefault(row, one) != one:
            raise InvalidRequest(f"{word}: another row is called {row}; give this one another label.")
    return found


def _contestant(name: str, options: Mapping[str, Any] | None) -> Contestant:
    from recommender_api.comparison import Contestant
    from recommender_api.models.registry import check_name

    model, at, version = name.partition("@")
    check_name(model)
    if at and not version:
        raise InvalidRequest(f"{name} names no version; `marquee models list` shows those that there are.")
    return Contestant(model, version or None, options)
