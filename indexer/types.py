"""The values that cross the store ports: plain frozen data, no behaviour beyond what makes them well formed.

Readers make them, stores keep them, use cases read them. Nothing here knows SQLite, Elasticsearch or HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class Movie:
    """One film of the catalogue. `title` is kept verbatim, with its year if it came with one."""

    id: str
    title: str
    genres: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    year: int | None = None
    imdb_id: str | None = None  # "tt0114709"
    tmdb_id: str | None = None  # "862"
    keywords: tuple[str, ...] = ()  # what the next four hold comes with rich catalogues only
    cast: tuple[str, ...] = ()  # as billed
    director: tuple[str, ...] = ()
    overview: str = ""


@dataclass(frozen=True, slots=True)
class Rating:
    """What one user thought of one film: 0 to 5, 0 is a rating too. `timestamp` is in whole seconds."""

    movie_id: str
    rating: float
    timestamp: int


@dataclass(frozen=True, slots=True)
class History:
    """A user's ratings as columns of one length, oldest first; ties in the order in which they arrived."""

    movie_ids: tuple[str, ...] = ()
    ratings: tuple[float, ...] = ()
    timestamps: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.movie_ids)


@dataclass(frozen=True, slots=True)
class MovieFilter:
    """Which films may be returned. Every condition must hold; an empty filter lets all pass."""

    genres: frozenset[str] = frozenset()  # any of these
    exclude_genres: frozenset[str] = frozenset()  # none of these
    year_from: int | None = None
    year_to: int | None = None  # inclusive; a film without a year fails any year condition

    @property
    def empty(self) -> bool:
        return self == EVERYTHING


EVERYTHING = MovieFilter()


@dataclass(frozen=True, slots=True)
class VectorSpace:
    """What makes two vectors comparable: the model that made them, their length, the recipe of the text."""

    model: str  # name@revision, as the embedder reports it
    dimension: int
    recipe: int


@dataclass(frozen=True, slots=True, eq=False)
class MovieVector:
    """A film's vector (D,) float32 of length 1, and the hash of the text it was made from."""

    movie_id: str
    vector: np.ndarray
    text_hash: str


@dataclass(frozen=True, slots=True)
class Scored:
    """A film and how well it fits; for kNN the cosine, -1 to 1."""

    id: str
    score: float


@dataclass(frozen=True, slots=True)
class Failure:
    """One item of a bulk write that was not written, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class WriteReport:
    """What a bulk write did: `written` items are durable, each failed one is named with its reason."""

    written: int = 0
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class UserCounts:
    users: int
    ratings: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Per-film popularity, computed by a scan now and then. Columns of one length, most popular first."""

    computed_at: int
    movie_ids: tuple[str, ...]
    popularity: tuple[float, ...]  # time-decayed number of ratings
    counts: tuple[int, ...]
    means: tuple[float, ...]
    global_mean: float


@dataclass(frozen=True, slots=True)
class User:
    """A user's attributes as the data set gave them (users.dat, u.user); no history in here."""

    id: str
    attributes: Mapping[str, str] = field(default_factory=dict)
