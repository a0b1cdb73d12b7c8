"""Writes the export folder that training reads: parquet files, vectors, and a manifest with their checksums.

    ratings.parquet    user_id, movie_id, rating float32, timestamp int64; by user id, then oldest first
    movies.parquet     movie_id, title, year int32 or null; lists genres, tags, keywords, cast, director; by id
    users.parquet      user_id, attributes map; only if there are any
    vectors.npy        (N, D) float32, with vector_ids.json; only if there are any
    manifest.json      format, counts, sha256 of each file, the space of the vectors

Everything is streamed; equal contents give equal bytes. Called by `marquee export`, `train` and `evaluate`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from indexer.datasets.dataset import Dataset
from indexer.datasets.histories import histories
from indexer.ports import Stores, VectorStore
from indexer.types import History, Movie, User
from service_kit.errors import InvalidRequest
from service_kit.progress import Advance, NoProgress, Progress

FORMAT = 1
_GROUP = 2**18  # rows written at once
_FILES = {
    "manifest.json", "ratings.parquet", "movies.parquet", "users.parquet", "vectors.npy", "vector_ids.json"
}  # fmt: skip

_RATINGS = pa.schema(
    [("user_id", pa.string()), ("movie_id", pa.string()), ("rating", pa.float32()), ("timestamp", pa.int64())]
)
_MOVIES = pa.schema(
    [
        ("movie_id", pa.string()),
        ("title", pa.string()),
        ("genres", pa.list_(pa.string())),
        ("tags", pa.list_(pa.string())),
        ("year", pa.int32()),
        ("keywords", pa.list_(pa.string())),
        ("cast", pa.list_(pa.string())),
        ("director", pa.list_(pa.string())),
    ]
)
_USERS = pa.schema([("user_id", pa.string()), ("attributes", pa.map_(pa.string(), pa.string()))])


@dataclass
class Manifest:
    """manifest.json. `implied_ratings`: the values stand for "seen", an error over them means nothing."""

    format: int = FORMAT
    counts: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # name -> sha256
    vector_space: dict[str, Any] | None = None
    implied_ratings: bool = False


def export(stores: Stores, folder: Path, *, progress: Progress | None = None) -> Manifest:
    """Export a store. Takes the place of an earlier export in one step; raises InvalidRequest if `folder` is anything
    else that is not empty. Not a snapshot: what is written meanwhile may or may not be in it."""
    progress = progress or NoProgress()
    counts = stores.users.count()
    with _new_folder(folder) as new:
        with progress.task("exporting ratings", counts.ratings) as advance:
            new.ratings(stores.users.scan(), advance)
        with progress.task("exporting films", stores.movies.count()) as advance:
            new.movies(stores.movies.scan(), advance)
        new.users(stores.users.scan_users())
        with progress.task("exporting vectors", stores.vectors.count()) as advance:
            new.vectors(stores.vectors, advance)
        return new.finish()


def export_dataset(dataset: Dataset, folder: Path, *, progress: Progress | None = None) -> Manifest:
    """The same from a data set's files: what loading it into an empty store and exporting that would give."""
    progress = progress or NoProgress()
    with _new_folder(folder) as new:
        rows = dataset.count_rows("ratings") or dataset.count_rows("sequences")
        with progress.task("exporting ratings", rows) as advance:
            new.ratings(histories(dataset), advance)
        new.movies(sorted(dataset.movies(), key=lambda movie: movie.id), lambda _done: None)
        new.users(sorted(dataset.users(), key=lambda user: user.id))
        new.manifest.implied_ratings = "ratings" not in dataset.tables and dataset.has_sequences
        return new.finish()


class _Folder:
    """The folder being written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.manifest = Manifest()

    def ratings(self, users: Iterable[tuple[str, History]], advance: Advance) -> None:
        self._count("users", 0)
        self._write("ratings", _RATINGS, self._rating_tables(users, advance))

    def movies(self, movies: Iterable[Movie], advance: Advance) -> None:
        rows = (
            (film.id, film.title, film.genres, film.tags, film.year, film.keywords, film.cast, film.director)
            for film in movies
        )
        self._write("movies", _MOVIES, _tables(_MOVIES, rows, advance))

    def users(self, users: Iterable[User]) -> None:
        rows = ((user.id, sorted(user.attributes.items())) for user in users if user.attributes)
        first = next(rows, None)
        if first:
            self._write("users", _USERS, _tables(_USERS, chain([first], rows)), count="users_with_attributes")

    def vectors(self, vectors: VectorStore, advance: Advance) -> None:
        space, most = vectors.space(), vectors.count()
        if space is None or not most:
            return
        path, ids = self._path / "vectors.npy", list[str]()
        matrix = np.lib.format.open_memmap(path, "w+", np.float32, (most, space.dimension))  # (N, D)
        for row, vector in enumerate(islice(vectors.scan(), most)):
            matrix[row] = vector.vector
            ids.append(vector.movie_id)
            advance(1)
        matrix.flush()
        if len(ids) < most:  # films were deleted while this ran
            kept = np.array(matrix[: len(ids)])
            np.save(path, kept)
        (self._path / "vector_ids.json").write_text(json.dumps(ids), "utf-8")
        self._count("vectors", len(ids))
        self.manifest.vector_space = asdict(space)

    def finish(self) -> Manifest:
        for path in sorted(self._path.iterdir()):
            with path.open("rb") as file:
                self.manifest.files[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
        text = json.dumps(asdict(self.manifest), indent=2, sort_keys=True)
        (self._path / "manifest.json").write_text(text + "\n", "utf-8")
        return self.manifest

    def _rating_tables(self, users: Iterable[tuple[str, History]], advance: Advance) -> Iterator[pa.Table]:
        """A table for each `_GROUP` ratings, or a few more: a user is not divided."""
        rows = _RatingColumns()
        for user, history in users:
            rows.add(user, history)
            advance(len(history))
            self._count("users", 1)
            if len(rows.users) >= _GROUP:
                yield rows.table()
                rows = _RatingColumns()
        yield rows.table()

    def _write(self, name: str, schema: pa.Schema, tables: Iterable[pa.Table], count: str | None = None) -> None:
        self._count(count or name, 0)
        with parquet.ParquetWriter(self._path / f"{name}.parquet", schema, compression="zstd") as writer:
            for table in tables:
                writer.write_table(table)
                self._count(count or name, len(table))

    def _count(self, what: str, more: int) -> None:
        self.manifest.counts[what] = self.manifest.counts.get(what, 0) + more


class _RatingColumns:
    def __init__(self) -> None:
        self.users: list[str] = []
        self._movies: list[str] = []
        self._ratings: list[float] = []
        self._times: list[int] = []

    def add(self, user: str, history: History) -> None:
        self.users += [user] * len(history)
        self._movies += history.movie_ids
        self._ratings += history.ratings
        self._times += history.timestamps

    def table(self) -> pa.Table:
        return pa.table([self.users, self._movies, self._ratings, self._times], schema=_RATINGS)


def _tables(
    schema: pa.Schema, rows: Iterator[tuple[Any, ...]], advance: Advance = lambda _done: None
) -> Iterator[pa.Table]:
    while group := list(islice(rows, _GROUP)):
        yield pa.table([list(column) for column in zip(*group, strict=True)], schema=schema)
        advance(len(group))


@contextmanager
def _new_folder(folder: Path) -> Iterator[_Folder]:
    """A folder beside `folder` to write into; on a clean exit it takes its place, otherwise nothing is left of it."""
    if folder.exists() and not _replaceable(folder):
        raise InvalidRequest(f"{folder} is neither empty nor an earlier export: name another folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    new, old = beside / "new", beside / "old"
    try:
        new.mkdir()
        yield _Folder(new)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        raise
    finally:
        shutil.rmtree(beside)


def _replaceable(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    return not names or {"manifest.json", "ratings.parquet"} <= names <= _FILES
