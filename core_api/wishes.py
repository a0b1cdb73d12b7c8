"""What can be asked of the recommendations, and what they answer: plain values between routes and use cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from indexer.types import EVERYTHING, Movie, MovieFilter

Aggregate = Literal["average", "least_misery"]


@dataclass(frozen=True, slots=True)
class Wish:
    """How many films, which kind, by whom ranked."""

    k: int = 10
    where: MovieFilter = EVERYTHING
    min_ratings: int = 0  # films that fewer people have rated stay out
    exclude: tuple[str, ...] = ()  # never these
    avoid: tuple[str, ...] = ()  # never these, nor what is like them
    shown: tuple[str, ...] = ()  # on earlier pages: not again
    model: str | None = None  # a model of the recommender, or a strategy; None: chosen by what is known
    boost: tuple[tuple[str, float], ...] = ()  # genre and factor: `core_api.boosts`
    diversity: float = 0.0  # 0 best first, 1 as unlike each other as can be
    explain: bool = False
    filtered: bool = False  # tell what the rules kept out


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why one member of a group is given a film."""

    user_id: str
    place: int | None  # of the film in the member's own ranking, from 1; None if it is not near its top
    because: tuple[Movie, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    movie: Movie
    score: float  # of the strategy that ranked: only its order means anything
    because: tuple[Movie, ...] = ()  # rated films that carry it, the strongest first
    for_each: tuple[Reasons, ...] = ()  # of a group, in the order asked


@dataclass(frozen=True, slots=True)
class KeptOut:
    """The films that one rule kept out, of those that would have been ranked best without any rule."""

    rule: str
    count: int
    movies: tuple[Movie, ...]  # the first few, best first


@dataclass(frozen=True, slots=True)
class Filtered:
    of: int  # films that were looked at, the best ones without rules
    rules: tuple[KeptOut, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """How one member of a group was ranked for."""

    user_id: str
    strategy: str
    model: str | None
    fallback_reason: str | None
    history_length: int


@dataclass(frozen=True, slots=True)
class Answer:
    items: tuple[Item, ...]  # best first
    strategy: str  # popular, neighbours, model
    model: str | None  # the recommender's model that ranked
    model_version: str | None
    fallback_reason: str | None  # why a better strategy did not answer; None if none would have been better
    history_length: int
    unknown: tuple[str, ...] = ()  # films of a typed-in sequence that the catalogue does not know
    filtered: Filtered | None = None
    members: tuple[Member, ...] = ()  # of a group, in the order asked
