"""The films of a data set: the movies table, joined with its tags and links.

Read whole, since ratings are checked against it: 87,585 films and 2 million tags take some hundred megabytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from indexer.datasets.report import LoadReport
from indexer.datasets.tables import Kind, Table
from indexer.datasets.values import (
    NO_MOVIE,
    NO_TAG,
    NO_TITLE,
    NO_USER,
    REPEATED,
    UNKNOWN_MOVIE,
    BadField,
    parse_genres,
    parse_id,
    parse_imdb,
    parse_tmdb,
)
from indexer.folding import year_of
from indexer.types import Movie

Rows = Callable[[Table], Iterator[tuple[int, list[str]]]]

# u.item marks genres by flags, in this order, after one that says that none is known.
FLAGGED_GENRES = (
    "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip


def read_catalogue(tables: Mapping[Kind, Table], rows: Rows, report: LoadReport) -> dict[str, Movie]:
    """Film id -> film, in the order of the file. Every row that cannot be goes to the report."""
    movies: dict[str, Movie] = {}
    if "movies" in tables:
        _each(tables["movies"], rows, report, lambda table, row: _add_movie(movies, table, row))
    if "links" in tables and movies:
        _each(tables["links"], rows, report, lambda table, row: _add_links(movies, table, row))
    if "tags" in tables and movies:
        tags = _Tags()
        _each(tables["tags"], rows, report, lambda table, row: tags.add(movies, table, row))
        movies.update({id: replace(movies[id], tags=names) for id, names in tags.by_movie()})
    return movies


def read_links(table: Table, rows: Rows, report: LoadReport) -> Iterator[Movie]:
    """The ids of each film, without a title: for data sets that describe films elsewhere."""
    at, known = table.columns, set[str]()
    for line, row in rows(table):
        try:
            id = parse_id(row[at["movie"]], NO_MOVIE)
            if id in known:
                raise BadField(REPEATED)
            known.add(id)
            imdb = parse_imdb(row[at["imdb"]]) if "imdb" in at else None
            yield Movie(id, "", (), (), None, imdb, parse_tmdb(row[at["tmdb"]]) if "tmdb" in at else None)
        except BadField as problem:
            report.add(table.file, line, str(problem), (table.separator or " ").join(row))


def _each(table: Table, rows: Rows, report: LoadReport, take: Callable[[Table, list[str]], None]) -> None:
    for line, row in rows(table):
        try:
            take(table, row)
        except BadField as problem:
            report.add(table.file, line, str(problem), (table.separator or " ").join(row))


def _add_movie(movies: dict[str, Movie], table: Table, row: list[str]) -> None:
    at = table.columns
    id = parse_id(row[at["movie"]], NO_MOVIE)
    title = row[at["title"]]
    if not title.strip():
        raise BadField(NO_TITLE)
    if id in movies:
        raise BadField(REPEATED)
    if "released" in at:
        flags = row[-len(FLAGGED_GENRES) :]
        genres = tuple(genre for genre, flag in zip(FLAGGED_GENRES, flags, strict=True) if flag == "1")
        released = row[at["released"]][-4:]  # "01-Jan-1995"
        year = year_of(title) or (int(released) if released.isascii() and released.isdigit() else None)
    else:
        genres = parse_genres(row[at["genres"]]) if "genres" in at else ()
        year = year_of(title)
    imdb = parse_imdb(row[at["imdb"]]) if "imdb" in at else None
    tmdb = parse_tmdb(row[at["tmdb"]]) if "tmdb" in at else None
    movies[id] = Movie(id, title, genres, (), year, imdb, tmdb)


def _add_links(movies: dict[str, Movie], table: Table, row: list[str]) -> None:
    at = table.columns
    movie = _known(movies, row[at["movie"]])
    imdb = parse_imdb(row[at["imdb"]]) if "imdb" in at else None
    tmdb = parse_tmdb(row[at["tmdb"]]) if "tmdb" in at else None
    movies[movie.id] = replace(movie, imdb_id=imdb or movie.imdb_id, tmdb_id=tmdb or movie.tmdb_id)


def _known(movies: Mapping[str, Movie], text: str) -> Movie:
    movie = movies.get(text) or movies.get(parse_id(text, NO_MOVIE))
    if movie is None:
        raise BadField(UNKNOWN_MOVIE)
    return movie


class _Tags:
    """How often each tag was given to each film."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {}  # film id -> tag as written -> times
        self._written: dict[str, str] = {}  # one string object a tag, not one a row

    def add(self, movies: Mapping[str, Movie], table: Table, row: list[str]) -> None:
        parse_id(row[table.columns["user"]], NO_USER)
        movie = _known(movies, row[table.columns["movie"]])
        tag = " ".join(row[table.columns["tag"]].split())
        if not tag:
            raise BadField(NO_TAG)
        self._counts.setdefault(movie.id, Counter())[self._written.setdefault(tag, tag)] += 1

    def by_movie(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Film id and its tags, most used first, ties in alphabetical order."""
        for movie, counts in self._counts.items():
            yield movie, _distinct(counts)


def _distinct(counts: Counter[str]) -> tuple[str, ...]:
    """Tags that differ only in case are one, in its most used spelling."""
    spelling: dict[str, str] = {}
    totals: Counter[str] = Counter()
    for tag, times in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        spelling.setdefault(tag.casefold(), tag)
        totals[tag.casefold()] += times
    return tuple(spelling[folded] for folded in sorted(totals, key=lambda folded: (-totals[folded], folded)))
