"""CSV exports: Letterboxd, IMDb, MovieLens, and what we write ourselves for Letterboxd. Told apart by their columns.

Columns may come in any order, with others between them. Quoted fields may hold line breaks, as reviews do.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from indexer.personal import values
from indexer.personal.entries import (
    NO_FILM,
    NO_OPINION,
    NOT_A_FILM,
    NOT_SEEN,
    Entry,
    Export,
    FilmReference,
    Kind,
    NotAnEntry,
)
from indexer.personal.files import ImportFailed

Row = Mapping[str, str]  # column, lower case without anything but letters and digits -> field

_FILMS = {"movie", "tvmovie", "short", "tvshort", "video", "tvspecial", "documentary", ""}  # of IMDb's title types
_BROKEN = "cannot be cut into columns"
_LONGEST_RECORD = 1000  # lines: of a review, say


@dataclass(frozen=True)
class CsvFormat:
    source: str
    columns: frozenset[str]  # all of them must be there
    read: Callable[[Row, str], tuple[FilmReference, Kind, float | None, int | None]]


def read_csv(file: str, content: str, export: Export) -> bool:
    """Add the file's entries to the export; False if it is no format that we know."""
    records = _records(content)
    header = next((fields for _, fields, _ in records if fields), [])
    names = [re.sub(r"[^a-z0-9]", "", name.casefold()) for name in header]
    form = next((form for form in FORMATS if form.columns <= set(names)), None)
    if form is None:
        return False
    export.source = export.source or form.source
    users = set()
    for line, fields, written in records:
        try:
            if fields is None:
                raise NotAnEntry(_BROKEN)
            row = dict(zip(names, fields, strict=True))
            users.add(row.get("userid", ""))
            film, kind, rating, at = form.read(row, file)
            export.entries.append(Entry(file, line, film, kind, rating, at))
        except NotAnEntry as problem:
            export.report.add(file, line, str(problem), written)
    if len(users) > 1:
        raise ImportFailed(f"{file} holds the ratings of {len(users)} users: keep the rows of one person")
    return True


def _records(content: str) -> Iterator[tuple[int, list[str] | None, str]]:
    """Line where it begins, fields and text of each record, the header first; blank lines left out.

    Fields are None for a record that has not as many as the header. A quote that is never closed costs its own line,
    not all that follow.
    """
    lines = content.replace("\r\n", "\n").replace("\r", "\n").split("\n")  # splitlines cuts at rarer characters too
    delimiter = max(",;\t", key=lines[0].count) if lines else ","
    width, at = 0, 0
    while at < len(lines):
        end = _end(lines, at)
        fields = _fields(lines[at:end], delimiter, width)
        if fields is None:
            end = at + 1
        width = width or len(fields or ())
        if any(line.strip() for line in lines[at:end]):
            yield at + 1, fields, "\n".join(lines[at:end])
        at = end


def _end(lines: Sequence[str], at: int) -> int:
    """Where the record that begins at this line ends: quotes come in pairs. Just after it if they never do."""
    quotes = 0
    for end, line in enumerate(lines[at : at + _LONGEST_RECORD], at + 1):
        quotes += line.count('"')
        if quotes % 2 == 0:
            return end
    return at + 1


def _fields(record: Sequence[str], delimiter: str, width: int) -> list[str] | None:
    try:
        fields = next(csv.reader(["\n".join(record)], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None
    if width and len(fields) > width and not any(fields[width:]):
        fields = fields[:width]
    return fields if not width or len(fields) == width else None


def _letterboxd(row: Row, file: str) -> tuple[FilmReference, Kind, float | None, int | None]:
    film = _film(title=row["name"], year=row["year"])
    at = values.seconds(row.get("watcheddate")) or values.seconds(row.get("date"))
    given = values.rating(row.get("rating", ""), 5.0)
    if given is not None:
        return film, "rated", given, at
    if "rating" in row:  # a diary or a list of ratings: an entry without stars was watched
        return film, "watched", None, at
    return film, _kind_by_name(file), None, at


def _kind_by_name(file: str) -> Kind:
    """Watched, liked and to be watched have the same columns: only the file's name tells them apart."""
    name = file.lower()
    if "watchlist" in name:
        raise NotAnEntry(NOT_SEEN)
    if "likes" in name or name.endswith("films.csv"):
        return "liked"
    if "watched" in name:
        return "watched"
    raise NotAnEntry(NO_OPINION)


def _own_letterboxd(row: Row, file: str) -> tuple[FilmReference, Kind, float | None, int | None]:  # noqa: ARG001
    film = _film(row["title"], row.get("year"), row.get("imdbid"), row.get("tmdbid"))
    at = values.seconds(row.get("watcheddate"))
    given = values.rating(row.get("rating10", ""), 10.0, 1.0)
    given = values.rating(row.get("rating", ""), 5.0) if given is None else given
    return film, "watched" if given is None else "rated", given, at


def _imdb(row: Row, file: str) -> tuple[FilmReference, Kind, float | None, int | None]:  # noqa: ARG001
    if re.sub(r"[^a-z]", "", row.get("titletype", "").casefold()) not in _FILMS:
        raise NotAnEntry(NOT_A_FILM)
    given = values.rating(row.get("yourrating", ""), 10.0, 1.0)
    if given is None:
        raise NotAnEntry(NO_OPINION)
    return _film(row["title"], row.get("year"), row["const"]), "rated", given, values.seconds(row.get("daterated"))


def _movielens(row: Row, file: str) -> tuple[FilmReference, Kind, float | None, int | None]:  # noqa: ARG001
    given = values.rating(row["rating"], 5.0)
    movie = values.whole_id(row["movieid"])
    if movie is None:
        raise NotAnEntry(NO_FILM)
    film = FilmReference(
        values.text(row.get("title")),
        None,
        values.imdb_id(row.get("imdbid")),
        values.whole_id(row.get("tmdbid")),
        movie,
    )
    return film, "watched" if given is None else "rated", given, values.seconds(row.get("timestamp"))


def _film(
    title: str | None = None, year: str | None = None, imdb: str | None = None, tmdb: str | None = None
) -> FilmReference:
    film = FilmReference(values.text(title), values.year(year), values.imdb_id(imdb), values.whole_id(tmdb))
    if film.title is None and film.imdb_id is None and film.tmdb_id is None:
        raise NotAnEntry(NO_FILM)
    return film


FORMATS = (
    CsvFormat("letterboxd", frozenset({"name", "year", "letterboxduri"}), _letterboxd),
    CsvFormat("imdb", frozenset({"const", "title"}), _imdb),
    CsvFormat("movielens", frozenset({"movieid", "rating"}), _movielens),
    CsvFormat("marquee", frozenset({"tmdbid", "imdbid", "title"}), _own_letterboxd),
)
