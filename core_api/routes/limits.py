"""Limits that come from the settings and so cannot stand in the schemas: a sentence for whoever goes beyond them."""

from __future__ import annotations

from collections.abc import Sized

from service_kit.errors import InvalidRequest


def at_most(most: int, count: int, what: str) -> None:
    """Raises InvalidRequest for more than `most` of something."""
    if count > most:
        raise InvalidRequest(f"{what}: {count} is too many, at most {most} at once")


def each_at_most(most: int, **lists: Sized | None) -> None:
    for name, values in lists.items():
        at_most(most, len(values) if values is not None else 0, name)
