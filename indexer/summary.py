"""What a load did, for whoever reports it. Made by `indexer.load` and `indexer.enrich`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from indexer.types import Failure


@dataclass(frozen=True)
class LoadSummary:
    """What a load wrote and what it left out."""

    name: str
    movies: int
    users: int  # with at least one rating
    ratings: int
    set_aside: Mapping[str, int]  # reason -> rows; the rows are in the data set's report
    failures: tuple[Failure, ...]  # what the store refused
    missing: tuple[str, ...]  # sentences about what the data set does not have
    seconds: float
    only_added: bool = False  # to films that were there; `movies` are those that changed

    @property
    def complete(self) -> bool:
        """Whether everything that the data set has is in the store now."""
        return not self.set_aside and not self.failures
