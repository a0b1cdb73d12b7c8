"""What can be asked of the recommendations, and what they answer: plain values between routes and use cases."""

from __future__ import annotations

from dataclasses import dataclass

from indexer.types import EVERYTHING, Movie, MovieFilter


@dataclass(frozen=True, slots=True)
class Wish:
    """How many films, which kind, by whom ranked."""

    k: int = 10
    where: MovieFilter = EVERYTHING
    exclude: tuple[str, ...] = ()  # never these
    avoid: tuple[str, ...] = ()  # never these, nor what is like them
    model: str | None = None  # a model of the recommender, or a strategy; None: chosen by what is known
    diversity: float = 0.0  # 0 best first, 1 as unlike each other as can be
    explain: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    movie: Movie
    score: float  # of the strategy that ranked: only its order means anything
    because: tuple[Movie, ...] = ()  # liked films that speak for it


@dataclass(frozen=True, slots=True)
class Answer:
    items: tuple[Item, ...]  # best first
    strategy: str  # popular, neighbours, model
    model: str | None  # the recommender's model that ranked
    model_version: str | None
    fallback_reason: str | None  # why a better strategy did not answer; None if none would have been better
    history_length: int
    unknown: tuple[str, ...] = ()  # films of a typed-in sequence that the catalogue does not know
