"""Bring one's own history along: what a file would write is shown first, and written only when that is asked for.

Nothing is kept between the two: the file comes again with the second call, and importing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core_api.rate import find
from indexer.datasets.report import SetAside
from indexer.datasets.settings import DatasetSettings
from indexer.personal import Entry, Match, match, read_export
from indexer.personal.files import ImportFailed
from indexer.ports import Stores
from indexer.titles import rank_titles
from indexer.types import History, Movie, Rating

Effect = Literal["new", "changed", "same", "kept", "repeated"]

_LIKED = 4.5  # stars that a heart stands for
_WATCHED = 3.5  # stars that "seen" stands for when the file rates nothing
_SUGGESTED = 60  # rows without a match for which the catalogue is searched: each search takes milliseconds
_SUGGESTIONS = 3
_ALIKE = 0.75  # least likeness of a title that is worth asking about


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of the file and what became of it."""

    number: int  # its place in the file, for choosing among candidates
    entry: Entry
    match: Match
    rating: Rating | None = None  # what is written for it; None without a film
    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    source: str
    rows: tuple[Row, ...]
    set_aside: tuple[SetAside, ...]
    n_set_aside: int  # also those that are not listed
    written: int = 0

    def with_film(self) -> list[Row]:
        return [row for row in self.rows if row.match.movie is not None]

    def in_doubt(self) -> list[Row]:
        return [row for row in self.rows if row.match.movie is None and row.match.candidates]

    def without_film(self) -> list[Row]:
        return [row for row in self.rows if row.match.movie is None and not row.match.candidates]

    def to_write(self) -> list[Rating]:
        return [row.rating for row in self.rows if row.rating is not None and row.effect in ("new", "changed")]


class Imports:
    def __init__(
        self, stores: Stores, clock: Callable[[], float], *, most_rows: int = 50_000, most_bytes: int = 200_000_000
    ) -> None:
        """`most_bytes` is what an archive may unpack to."""
        self._stores = stores
        self._clock = clock
        self._most_rows = most_rows
        self._most_bytes = most_bytes

    def preview(self, user_id: str, name: str, data: bytes, chosen: Mapping[int, str] | None = None) -> Preview:
        """What importing this file would do. `chosen`: row number -> film, for rows in doubt.

        Raises ImportFailed for a file that cannot be read, that is too long, or for a choice that is none.
        """
        settings = DatasetSettings()
        export = read_export(name, data, settings.model_copy(update={"archive_bytes": self._most_bytes}))
        if len(export.entries) > self._most_rows:
            raise ImportFailed(f"{name} has {len(export.entries)} entries, at most {self._most_rows} can be imported")
        matches = match([entry.film for entry in export.entries], self._stores.movies.scan())
        matches = self._choose(self._suggest(export.entries, matches), chosen or {})
        rows = [
            Row(number, entry, found) for number, (entry, found) in enumerate(zip(export.entries, matches, strict=True))
        ]
        rows = self._rate(rows, self._stores.users.history(user_id))
        report = export.report
        return Preview(export.source, tuple(rows), tuple(report.rows), len(report))

    def commit(self, user_id: str, preview: Preview) -> Preview:
        """Write it, in one step."""
        ratings = preview.to_write()
        if ratings:
            self._stores.users.merge(user_id, ratings)
        return replace(preview, written=len(ratings))

    def _suggest(self, entries: Sequence[Entry], matches: Sequence[Match]) -> list[Match]:
        """For rows without a film, those that may be meant: "Star Wars" is also called "Star Wars: Episode IV"."""
        found, searches = list(matches), 0
        for place, (entry, one) in enumerate(zip(entries, matches, strict=True)):
            title = entry.film.title
            if one.movie is not None or one.candidates or title is None or searches == _SUGGESTED:
                continue
            searches += 1
            near = [film for film in self._stores.movies.find_titles(title, 100) if _same_time(film, entry.film.year)]
            by_id = {film.id: film for film in near}
            ranked = [by_id[hit.id] for hit in rank_titles(title, near, _SUGGESTIONS) if hit.score >= _ALIKE]
            if ranked:
                found[place] = Match(candidates=tuple(ranked), reason="no film of that title, but like it")
        return found

    def _choose(self, matches: list[Match], chosen: Mapping[int, str]) -> list[Match]:
        films = self._stores.movies.get(list(chosen.values()))
        for number, movie_id in chosen.items():
            if not 0 <= number < len(matches):
                raise ImportFailed(f"there is no row {number} to choose a film for: the file has {len(matches)} rows")
            if movie_id not in films:
                raise ImportFailed(f"film {movie_id}, chosen for row {number}, is not in the catalogue")
            matches[number] = Match(films[movie_id], "your choice")
        return matches

    def _rate(self, rows: Sequence[Row], history: History) -> list[Row]:
        """What each row writes. Of a film named twice a rating counts before a heart, a heart before "watched", then
        the later one."""
        implied = _middle([row.entry.rating for row in rows if row.entry.rating is not None])
        best: dict[str, Row] = {}
        for row in rows:
            if row.match.movie is not None:
                rival = best.get(row.match.movie.id)
                best[row.match.movie.id] = row if rival is None or _weight(row) >= _weight(rival) else rival
        now = int(self._clock())
        return [self._rated(row, best, history, implied, now) for row in rows]

    def _rated(self, row: Row, best: Mapping[str, Row], history: History, implied: float, now: int) -> Row:
        movie, entry = row.match.movie, row.entry
        if movie is None:
            return row
        stars = entry.rating if entry.rating is not None else _LIKED if entry.kind == "liked" else implied
        at = now if entry.at is None else min(entry.at, now)
        rating = Rating(movie.id, stars, at)
        if best[movie.id] is not row:
            return replace(row, rating=rating, effect="repeated")
        return replace(row, rating=rating, effect=_effect(entry, rating, find(history, movie.id)))


def _effect(entry: Entry, rating: Rating, stored: Rating | None) -> Effect:
    """Against the rating that is there. One without a date, and one that nobody gave, never replaces another."""
    if stored is None:
        return "new"
    if stored.rating == rating.rating:
        return "same"
    replaces = entry.kind == "rated" and entry.at is not None and rating.timestamp >= stored.timestamp
    return "changed" if replaces else "kept"


def _weight(row: Row) -> tuple[int, int]:
    return ("watched", "liked", "rated").index(row.entry.kind), row.entry.at or 0


def _middle(ratings: Sequence[float]) -> float:
    """What "watched" without stars stands for: the person's own mean, to half a star, so that it neither pulls nor
    pushes."""
    return round(2 * sum(ratings) / len(ratings)) / 2 if ratings else _WATCHED


def _same_time(movie: Movie, year: int | None) -> bool:
    return year is None or movie.year is None or abs(movie.year - year) <= 1
