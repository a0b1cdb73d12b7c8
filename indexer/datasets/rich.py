"""What The Movies Dataset and TMDB 5000 know of films, by TMDB id: overview, keywords, cast, director.

Their files are known by their columns. Quoted fields may hold line breaks, so rows are cut by the csv module and not
line by line as the tables of MovieLens are. `dataset` joins what is read here with MovieLens' ids.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from indexer.datasets.lines import Line
from indexer.datasets.nested import names, parse_records
from indexer.datasets.report import LoadReport
from indexer.datasets.source import Source
from indexer.datasets.values import (
    NO_MOVIE,
    NO_TITLE,
    REPEATED,
    WRONG_COLUMNS,
    BadField,
    parse_imdb,
    parse_tmdb,
)
from indexer.types import Movie

RichKind = Literal["metadata", "credits", "keywords"]
Row = Mapping[str, str]  # column, lower case without anything but letters and digits -> field

_CAST_KEPT = 10
_KEYWORDS_KEPT = 50
_LONGEST_FIELD = 2**21
_HEADERS: tuple[tuple[RichKind, frozenset[str]], ...] = (
    ("credits", frozenset({"cast", "crew"})),
    ("metadata", frozenset({"id", "title", "overview", "genres"})),
    ("keywords", frozenset({"id", "keywords"})),
)


@dataclass(frozen=True)
class RichTable:
    kind: RichKind
    file: str
    header: tuple[str, ...]  # normalised names


def recognise_rich(file: str, sample: Sequence[Line]) -> RichTable | None:
    """The table that starts with these lines; None if it is none of these."""
    if not sample or not isinstance(sample[0], str):
        return None
    written = next(csv.reader([sample[0]]), [])
    header = tuple(re.sub(r"[^a-z0-9]", "", name.casefold()) for name in written)
    for kind, columns in _HEADERS:
        if columns <= set(header):
            return RichTable(kind, file, header)
    return None


def read_rich(
    source: Source, tables: Sequence[RichTable], report: LoadReport, wanted: Container[str] | None = None
) -> dict[str, Movie]:
    """TMDB id -> film whose id is that id. A row that cannot be goes to the report; of an id the first row counts.

    `wanted`: read only these films, since parsing nested columns is what takes long (None: all). Without a table of
    metadata a film has no title, and only says what it adds to one that is known by its TMDB id.
    """
    films: dict[str, Movie] = {}
    for kind, read in _READERS.items():
        for table in tables:
            if table.kind == kind:
                _read(source, table, films, read, report, wanted)
    return films


def _read(
    source: Source,
    table: RichTable,
    films: dict[str, Movie],
    read: Callable[[Row, Movie], Movie],
    report: LoadReport,
    wanted: Container[str] | None,
) -> None:
    report.restart(table.file)
    seen: set[str] = set()
    for line, fields in _records(source, table, report):
        try:
            row = dict(zip(table.header, fields, strict=True))
            tmdb = parse_tmdb(row["id"] if "id" in row else row.get("movieid", ""))
            if tmdb is None:
                raise BadField(NO_MOVIE)
            if tmdb in seen:
                raise BadField(REPEATED)
            if wanted is not None and tmdb not in wanted:
                continue
            films[tmdb] = read(row, films.get(tmdb) or Movie(tmdb, "", tmdb_id=tmdb))
            seen.add(tmdb)
        except BadField as problem:
            report.add(table.file, line, str(problem), ",".join(fields))


def _records(source: Source, table: RichTable, report: LoadReport) -> Iterator[tuple[int, list[str]]]:
    """The line on which each row begins, and its fields; rows of another width are set aside."""
    csv.field_size_limit(_LONGEST_FIELD)
    with source.open(table.file) as stream:
        text = io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="")
        reader = csv.reader(text)
        next(reader, None)
        while True:
            line = reader.line_num + 1
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error:
                report.add(table.file, line, WRONG_COLUMNS)
                continue
            if len(fields) == len(table.header):
                yield line, fields
            elif fields:
                report.add(table.file, line, WRONG_COLUMNS, ",".join(fields))


def _metadata(row: Row, film: Movie) -> Movie:
    title = " ".join(row["title"].split())
    if not title:
        raise BadField(NO_TITLE)
    released = row.get("releasedate", "")[:4]
    return replace(
        film,
        title=title,
        genres=names(parse_records(row["genres"])),
        year=int(released) if released.isascii() and released.isdigit() and len(released) == 4 else None,
        imdb_id=parse_imdb(row.get("imdbid", "")),
        keywords=names(parse_records(row.get("keywords", "")), _KEYWORDS_KEPT),
        overview=" ".join(row["overview"].split()),
    )


def _credits(row: Row, film: Movie) -> Movie:
    crew = parse_records(row["crew"])
    return replace(
        film,
        cast=names(parse_records(row["cast"]), _CAST_KEPT),
        director=names([member for member in crew if member.get("job") == "Director"]),
    )


def _keywords(row: Row, film: Movie) -> Movie:
    return replace(film, keywords=names(parse_records(row["keywords"]), _KEYWORDS_KEPT))


_READERS: dict[RichKind, Callable[[Row, Movie], Movie]] = {
    "metadata": _metadata,
    "credits": _credits,
    "keywords": _keywords,
}


def enriched(film: Movie, by: Movie) -> Movie:
    """The film, and where it has nothing what the other knows; its id, title, genres and tags stay."""
    return replace(
        film,
        year=film.year if film.year is not None else by.year,
        imdb_id=film.imdb_id or by.imdb_id,
        keywords=film.keywords or by.keywords,
        cast=film.cast or by.cast,
        director=film.director or by.director,
        overview=film.overview or by.overview,
    )
