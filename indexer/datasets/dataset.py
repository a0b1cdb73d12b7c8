"""A data set that was recognised: its films, ratings and users as values, and a report of what was set aside.

`open_dataset` reads no more than the beginning of each file; films are read once and kept, ratings are streamed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from indexer.datasets.catalogue import read_catalogue, read_links
from indexer.datasets.errors import DatasetError, NotText
from indexer.datasets.lines import Line, blocks, guess_encoding, numbered_lines
from indexer.datasets.ratings import Films, read_ratings
from indexer.datasets.report import LoadReport
from indexer.datasets.rich import RichTable, enriched, read_rich, recognise_rich
from indexer.datasets.settings import DatasetSettings
from indexer.datasets.source import Source, open_source
from indexer.datasets.tables import Kind, Table, recognise, rows
from indexer.datasets.values import NO_USER, REPEATED, BadField, parse_id
from indexer.types import Movie, Rating, User

_ENDS = 2**16  # bytes of a file's beginning that the fingerprint reads


class Dataset:
    """What one folder or archive holds. Everything may be read again; the report tells of the latest reading."""

    def __init__(
        self,
        source: Source,
        tables: Mapping[Kind, Table],
        mappings: Mapping[str, Table],
        rich: Sequence[RichTable] = (),
    ) -> None:
        self.name = source.name
        self.report = LoadReport()
        self.tables = tables
        self._source = source
        self._rich = rich  # files that know more of films, by their TMDB ids
        self._mappings = mappings  # "user" and "movie": sequences' numbers -> the data set's own ids

    @property
    def missing(self) -> tuple[str, ...]:
        """Sentences about what a data set should have and this one has not."""
        said = []
        if not self.has_movies:
            said.append(f"{self.name} has no file of films: its ratings are kept, but nothing can be recommended.")
        if "ratings" not in self.tables:
            order = " It has sequences of films, which can be evaluated but not loaded." if self.has_sequences else ""
            said.append(f"{self.name} has no file of ratings (such as ratings.csv, ratings.dat, u.data).{order}")
        elif "time" not in self.tables["ratings"].columns:
            said.append(f"The ratings of {self.name} have no time: their order in the file is taken for it.")
        return tuple(said)

    @property
    def has_movies(self) -> bool:
        return "movies" in self.tables or any(table.kind == "metadata" for table in self._rich)

    @property
    def is_by_tmdb_id(self) -> bool:
        """Whether its films have no other ids: beside a catalogue that knows its films' TMDB ids it adds to those."""
        return bool(self._rich) and "movies" not in self.tables and not (self.has_movies and "links" in self.tables)

    def details(self, wanted: Container[str] | None = None) -> Mapping[str, Movie]:
        """TMDB id -> what rich files know of that film; of the wanted ones, or of all."""
        return read_rich(self._source, self._rich, self.report, wanted) if self._rich else {}

    @property
    def has_sequences(self) -> bool:
        return "sequences" in self.tables

    def movies(self) -> Iterator[Movie]:
        """The films in the order of the file, with their tags (most used first) and links."""
        yield from self._catalogue.values()

    def ratings(self) -> Iterator[tuple[str, Rating]]:
        """User id and rating, in the order of the file; nothing if the data set has no ratings.

        A film that a user rates again is reported as repeated and comes too: whoever merges lets the later time win.
        Memory: about 5 bytes a rating, for telling what is repeated.
        """
        table = self.tables.get("ratings")
        if table is None:
            return
        films = Films(self._catalogue, closed=self.has_movies)
        yield from read_ratings(table, self._rows(table), films, self.report)

    @property
    def repeated_ratings(self) -> int:
        """How many of the ratings that `ratings` gave last were of a film that the user had rated before."""
        table = self.tables.get("ratings")
        return self.report.count(table.file, REPEATED) if table else 0

    def users(self) -> Iterator[User]:
        """Users' attributes, by the columns' names, as written."""
        table = self.tables.get("users")
        if table is None:
            return
        at_user, known = table.columns["user"], set[str]()
        names = table.header or tuple(table.columns)
        for line, row in self._rows(table):
            try:
                user = parse_id(row[at_user], NO_USER)
                if user in known:
                    raise BadField(REPEATED)
            except BadField as problem:
                self.report.add(table.file, line, str(problem), table.separator.join(row))
                continue
            known.add(user)
            cells = zip(names, row, strict=True)
            yield User(user, {name: cell for at, (name, cell) in enumerate(cells) if at != at_user and cell})

    def sequences(self) -> Iterator[tuple[str, str]]:
        """User and film ids in the order in which each user saw them: no ratings, no times."""
        table = self.tables.get("sequences")
        if table is None:
            return
        users, movies = self._mapping("user"), self._mapping("movie")
        for _line, (user, movie) in self._rows(table):
            yield users.get(user, user), movies.get(movie, movie)

    def count_rows(self, kind: Kind) -> int:
        """How many lines the file has: what progress is measured against. Reads it, but does not look at it."""
        table = self.tables.get(kind)
        if table is None:
            return 0
        with self._source.open(table.file) as stream:
            return sum(piece.count(b"\n") for piece in blocks(stream, table.file)) - bool(table.header)

    @cached_property
    def fingerprint(self) -> str:
        """Tells this data set from others, and from itself with other sizes or beginnings; reads little of it."""
        digest, sizes = hashlib.sha256(), self._source.files()
        files = [(str(kind), self.tables[kind].file) for kind in sorted(self.tables)]
        for kind, file in files + [(table.kind, table.file) for table in self._rich]:
            with self._source.open(file) as stream:
                digest.update(f"{kind} {sizes[file]}\n".encode() + stream.read(_ENDS))
        return digest.hexdigest()

    @cached_property
    def _catalogue(self) -> dict[str, Movie]:
        films = read_catalogue(self.tables, self._rows, self.report)
        details = self.details()
        if "movies" in self.tables:
            return {
                id: enriched(film, details[film.tmdb_id]) if film.tmdb_id and film.tmdb_id in details else film
                for id, film in films.items()
            }
        titled = {tmdb: film for tmdb, film in details.items() if film.title}
        return {film.id: film for film in self._with_own_ids(titled)}

    def _with_own_ids(self, titled: Mapping[str, Movie]) -> Iterator[Movie]:
        """Films of a data set whose ratings use MovieLens' ids: those that its links name. Without links, all."""
        links = self.tables.get("links")
        if links is None:
            yield from titled.values()
            return
        for link in read_links(links, self._rows, self.report):
            film = titled.get(link.tmdb_id or "")
            if film is not None:
                yield replace(film, id=link.id, imdb_id=link.imdb_id or film.imdb_id)

    def _rows(self, table: Table) -> Iterator[tuple[int, list[str]]]:
        self.report.restart(table.file)
        if table.kind in ("ratings", "interactions", "sequences"):
            encoding = guess_encoding(())  # numbers only: a pass over the largest file saved
        else:
            with self._source.open(table.file) as stream:
                encoding = guess_encoding(blocks(stream, table.file))
        with self._source.open(table.file) as stream:
            yield from rows(numbered_lines(blocks(stream, table.file), encoding), table, self.report)

    def _mapping(self, what: str) -> dict[str, str]:
        table = self._mappings.get(what)
        return {row[0]: row[1] for _line, row in self._rows(table)} if table else {}


def open_dataset(path: Path, settings: DatasetSettings | None = None, *, full: bool = False) -> Dataset:
    """Recognise what lies at `path`, a folder or zip archive. DatasetError if that is no data set, or several.

    Where ratings come whole and as a small extract (`ratings_small.csv`), `full` takes all of them.
    """
    source = open_source(path, settings or DatasetSettings())
    folders: dict[str, list[Table]] = {}
    rich: dict[str, list[RichTable]] = {}
    strange: NotText | None = None
    for file in source.files():
        folder = str(PurePosixPath(file).parent)
        try:
            sample = _beginning(source, file)
            more = recognise_rich(file, sample)
            table = None if more else recognise(file, sample)
        except NotText as error:  # most likely a file that is none of our business
            strange = error
            continue
        if more:
            rich.setdefault(folder, []).append(more)
        if table:
            folders.setdefault(folder, []).append(table)
    whole = {f: folders.get(f, []) for f in sorted({*folders, *rich}) if f in rich or _is_data(folders[f])}
    if not whole:
        raise strange or DatasetError(
            f"{path} holds no data set that Marquee knows: it needs films (movies.csv, movies.dat or u.item) or "
            "ratings (ratings.csv, ratings.dat or u.data); see docs/datasets.md for the columns."
        )
    if len(whole) > 1:
        raise DatasetError(f"{path} holds several data sets ({', '.join(sorted(whole))}): name one of them.")
    [(folder, tables)] = whole.items()
    chosen = _choose(tables if full else _without_large(tables), source.files())
    return Dataset(source, chosen, _mappings(tables), rich.get(folder, ()))


def _beginning(source: Source, file: str) -> list[Line]:
    with source.open(file) as stream:
        piece = next(blocks(stream, file), b"")
    return next(numbered_lines([piece], guess_encoding([piece])))[1]


def _is_data(tables: list[Table]) -> bool:
    return bool({"movies", "ratings", "sequences"} & {table.kind for table in tables})


def _without_large(tables: list[Table]) -> list[Table]:
    """Without a table of ratings that has a small extract beside it."""
    small = {table.file.replace("_small", "") for table in tables if "_small" in table.file and table.kind == "ratings"}
    return [table for table in tables if table.file not in small]


def _choose(tables: list[Table], sizes: Mapping[str, int]) -> dict[Kind, Table]:
    """One table of each kind, the largest: 100k comes with extracts of its ratings beside them."""
    chosen: dict[Kind, Table] = {}
    for table in sorted(tables, key=lambda table: (-sizes[table.file], table.file)):
        chosen.setdefault(table.kind, table)
    return chosen


def _mappings(tables: list[Table]) -> dict[str, Table]:
    """Which numbers a mapping translates is said by its name alone: users' or items'."""
    found = {}
    for table in tables:
        name = PurePosixPath(table.file).name.lower()
        if table.kind == "mapping" and "user" in name:
            found["user"] = table
        elif table.kind == "mapping" and ("item" in name or "movie" in name):
            found["movie"] = table
    return found
