"""Which table a file holds, told by its header or, without one, by the look of its rows; and how to cut its lines.

Every MovieLens format is here: comma-separated with a header (20m and later), `::` (1m, 10m), tabs and `|` (100k),
and "user item" sequences without ratings. File names do not matter. What the fields mean is the business of
`catalogue`, `ratings` and `dataset`.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from indexer.datasets.lines import Line
from indexer.datasets.report import LoadReport
from indexer.datasets.values import BROKEN_ENCODING, UNCLOSED_QUOTE, WRONG_COLUMNS

Kind = Literal["ratings", "movies", "tags", "links", "users", "interactions", "sequences", "mapping"]

SAMPLE_LINES = 200
_GENRE_FLAGS = 19  # the last columns of u.item
_AGREEING = 0.6  # of the sampled rows must look alike; the rest may be broken

_MEANINGS = {  # column names, lower case without anything but letters and digits
    "user": ("userid", "user"),
    "movie": ("movieid", "movie", "itemid", "item"),
    "rating": ("rating", "ratings"),
    "time": ("timestamp", "timestamps", "time"),
    "title": ("title", "movietitle"),
    "genres": ("genres", "genre"),
    "tag": ("tag",),
    "imdb": ("imdbid",),
    "tmdb": ("tmdbid",),
}
_MEANING = {name: meaning for meaning, names in _MEANINGS.items() for name in names}


@dataclass(frozen=True)
class Table:
    """One file of a data set: what it holds and where its columns are."""

    kind: Kind
    file: str
    separator: str  # "" means white space
    columns: Mapping[str, int]  # meaning -> position
    width: int
    header: tuple[str, ...] = ()  # names as written; empty without a header line
    free: int | None = None  # the column whose text may hold the separator

    def split(self, line: str) -> list[str] | None:
        """The fields, also where they are too many or too few; None when quotes do not match."""
        if not self.separator:
            return line.split()
        if self.header and '"' in line:
            return _split_quoted(line, self.separator)
        fields = line.split(self.separator)
        if self.free is not None and len(fields) > self.width:
            end = self.free + 1 + len(fields) - self.width
            fields[self.free : end] = [self.separator.join(fields[self.free : end])]
        return fields


def recognise(file: str, sample: Sequence[Line]) -> Table | None:
    """The table that starts with these lines; None if it is none that we know."""
    lines = [line for line in sample if isinstance(line, str) and line.strip()][:SAMPLE_LINES]
    if not lines:
        return None
    return _with_header(file, lines[0]) or _without_header(file, lines)


def _with_header(file: str, line: str) -> Table | None:
    separator = max(",;\t", key=line.count)
    header = tuple(name.strip() for name in _split_quoted(line, separator) or ())
    columns: dict[str, int] = {}
    for position, name in enumerate(header):
        meaning = _MEANING.get(re.sub(r"[^a-z0-9]", "", name.casefold()))
        if meaning:
            columns.setdefault(meaning, position)
    kind = _kind_of_header(set(columns), len(header))
    return Table(kind, file, separator, columns, len(header), header) if kind else None


def _kind_of_header(has: set[str], width: int) -> Kind | None:
    if {"user", "movie"} <= has:
        if "rating" in has:
            return "ratings"
        return "tags" if "tag" in has else "interactions"
    if "movie" in has:
        if "title" in has:
            return "movies"
        return "links" if has & {"imdb", "tmdb"} else None
    return "users" if "user" in has and width > 1 else None


def _without_header(file: str, lines: Sequence[str]) -> Table | None:
    for separator in ("::", "|", "\t", ",", ""):
        if separator not in lines[0] and separator not in lines[-1]:
            continue
        rows = [line.split(separator) if separator else line.split() for line in lines]
        kinds = Counter(_kind_of_row(row, separator) for row in rows)
        kind, votes = kinds.most_common(1)[0]
        if kind and votes >= _AGREEING * len(rows):
            return _LAYOUTS[separator, _sequence_or_mapping(rows) if kind == "sequences" else kind](file)
    return None


def _kind_of_row(row: Sequence[str], separator: str) -> Kind | None:
    width = len(row)
    if separator == "":
        return "sequences" if width == 2 and _whole(row[0], row[1]) else None
    if width == 4 and _whole(row[0], row[1], row[3]) and _rating(row[2]) and separator != "|":
        return "ratings"
    if separator == "::":
        if width == 5 and row[0].isdigit() and row[1] in ("M", "F"):
            return "users"
        if width >= 4 and _whole(row[0], row[1], row[-1]):
            return "tags"
        return "movies" if width >= 3 and row[0].isdigit() else None
    if separator == "|":
        if width == 5 and _whole(row[0], row[1]) and row[2] in ("M", "F"):
            return "users"
        if width >= _GENRE_FLAGS + 5 and row[0].isdigit() and set(row[-_GENRE_FLAGS:]) <= {"0", "1"}:
            return "movies"
    return None


def _sequence_or_mapping(rows: Sequence[Sequence[str]]) -> Kind:
    """Numbers paired off one to one translate ids; a number that comes again and again is a user."""
    return "mapping" if len({row[0] for row in rows}) == len(rows) > 1 else "sequences"


def _layout(kind: Kind, separator: str, columns: Sequence[str], free: str | None = None) -> Callable[[str], Table]:
    positions = {meaning: position for position, meaning in enumerate(columns)}
    where = positions[free] if free else None
    return lambda file: Table(kind, file, separator, positions, len(columns), free=where)


def _flags() -> list[str]:
    return [f"genre {number}" for number in range(_GENRE_FLAGS)]


_LAYOUTS: dict[tuple[str, Kind | None], Callable[[str], Table]] = {
    ("::", "ratings"): _layout("ratings", "::", ("user", "movie", "rating", "time")),
    ("::", "movies"): _layout("movies", "::", ("movie", "title", "genres"), "title"),
    ("::", "tags"): _layout("tags", "::", ("user", "movie", "tag", "time"), "tag"),
    ("::", "users"): _layout("users", "::", ("user", "gender", "age", "occupation", "zip_code")),
    ("\t", "ratings"): _layout("ratings", "\t", ("user", "movie", "rating", "time")),
    (",", "ratings"): _layout("ratings", ",", ("user", "movie", "rating", "time")),
    ("|", "users"): _layout("users", "|", ("user", "age", "gender", "occupation", "zip_code")),
    ("|", "movies"): _layout("movies", "|", ("movie", "title", "released", "video", "url", *_flags()), "title"),
    ("", "sequences"): _layout("sequences", "", ("user", "movie")),
    ("", "mapping"): _layout("mapping", "", ("from", "to")),
}


def _split_quoted(line: str, separator: str) -> list[str] | None:
    if line.count('"') % 2:
        return None  # taken as it stands it would swallow the lines that follow
    return next(csv.reader([line], delimiter=separator), [])


def _whole(*fields: str) -> bool:
    return all(field.isascii() and field.isdigit() for field in fields)


def _rating(field: str) -> bool:
    return re.fullmatch(r"[0-5](\.\d+)?", field) is not None


def rows(blocks: Iterable[tuple[int, list[Line]]], table: Table, report: LoadReport) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of every row, header and blank lines left out; lines that cannot be cut are set aside."""
    header_to_come = bool(table.header)
    split, width = table.split, table.width
    for first, block in blocks:
        for number, line in enumerate(block, first):
            fields = split(line) if isinstance(line, str) else None
            if fields is not None and len(fields) == width:
                if header_to_come:
                    header_to_come = False
                    continue
                yield number, fields
            elif line and not line.isspace():
                report.add(table.file, number, _problem(line, fields), line)


def _problem(line: Line, fields: list[str] | None) -> str:
    if isinstance(line, bytes):
        return BROKEN_ENCODING
    return UNCLOSED_QUOTE if fields is None else WRONG_COLUMNS
