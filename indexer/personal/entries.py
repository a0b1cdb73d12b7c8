"""What every personal export comes down to: one entry a film that was rated, liked or watched.

Ratings are on our scale, 0 to 5; times are seconds. Rows that say nothing of a film seen are set aside with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from indexer.datasets.report import LoadReport

Kind = Literal["rated", "liked", "watched"]

NOT_A_FILM = "a series or a game, not a film"
NOT_SEEN = "on a list of films to see, not seen"
NO_FILM = "names no film"
NO_OPINION = "in a list, which says nothing of having seen it"
BAD_RATING = "the rating is not one"
NOT_AN_ENTRY = "is no entry"


@dataclass(frozen=True, slots=True)
class FilmReference:
    """How a file names a film. At least one of the ids or the title is there."""

    title: str | None = None
    year: int | None = None
    imdb_id: str | None = None  # "tt0114709"
    tmdb_id: str | None = None  # "862"
    movie_id: str | None = None  # of MovieLens, which is the catalogue's own id


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: a film, and what the person did with it."""

    file: str
    line: int  # where the row begins, from 1; in JSON the number of the entry
    film: FilmReference
    kind: Kind
    rating: float | None = None  # 0 to 5; None unless the kind is "rated"
    at: int | None = None  # seconds since 1970; None where the file does not say


@dataclass(slots=True)
class Export:
    """A file that was read: whose format it has, its entries, and the rows that were set aside."""

    source: str  # "letterboxd", "imdb", "trakt", "jellyfin", "plex", "movielens", "marquee"
    entries: list[Entry] = field(default_factory=list)
    report: LoadReport = field(default_factory=LoadReport)


class NotAnEntry(ValueError):
    """Why a row is set aside; one of the reasons above."""
