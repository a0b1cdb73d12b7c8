"""What models learn from: ratings as columns of rows, and what is known of each film.

`read_training_data` reads a folder that `marquee export` wrote; `TrainingData.from_columns` takes columns from anywhere
(tests, benchmarks). No store, no splitting rules (`evaluation.protocols`), no model in here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from recommender_api.vocabulary import Vocabulary
from service_kit.errors import InvalidRequest

FORMAT = 1  # of the export folder
LABEL_KINDS = ("tags", "keywords", "cast", "director")  # lists of words in movies.parquet, beside the genres
RATINGS, TIMESTAMPS = "ratings", "timestamps"  # what may be implied


class DataError(InvalidRequest):
    """The training data cannot be used; says which file and why."""

    title = "The training data cannot be used"


@dataclass(frozen=True)
class UserRatings:
    """One user's ratings, oldest first: views into the columns."""

    user: int
    items: np.ndarray  # (T,) int64
    ratings: np.ndarray  # (T,) float32
    timestamps: np.ndarray  # (T,) int64


@dataclass(frozen=True, eq=False)
class TrainingData:
    """N ratings of U users for V films, sorted by user, then oldest first, ties in the order in which they arrived."""

    vocabulary: Vocabulary  # V films
    user_ids: tuple[str, ...]  # U, ascending
    users: np.ndarray  # (N,) int64, rows of user_ids
    items: np.ndarray  # (N,) int64, rows of the vocabulary
    ratings: np.ndarray  # (N,) float32, 0 to 5
    timestamps: np.ndarray  # (N,) int64, seconds
    titles: tuple[str, ...]  # V, "" where unknown
    genres: tuple[tuple[str, ...], ...]  # V
    years: np.ndarray  # (V,) int64, 0 where unknown
    labels: Mapping[str, tuple[tuple[str, ...], ...]] = field(
        default_factory=dict
    )  # kind -> V lists; only kinds in use
    vectors: np.ndarray | None = None  # (V, D) float32 of length 1, zeros where a film has none
    has_vector: np.ndarray | None = None  # (V,) bool
    vector_space: str | None = None  # which embedding model made the vectors
    attributes: tuple[Mapping[str, str], ...] = ()  # U: gender, age and so on, as written; empty where none are known
    implied: frozenset[str] = frozenset()  # RATINGS, TIMESTAMPS: the source has none, the values only stand in for them

    def __len__(self) -> int:
        return len(self.items)

    @property
    def n_users(self) -> int:
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        return len(self.vocabulary)

    @cached_property
    def global_mean(self) -> float:
        """The mean rating; the middle of the scale when there is none."""
        return float(self.ratings.mean(dtype=np.float64)) if len(self) else 2.75

    @cached_property
    def offsets(self) -> np.ndarray:
        """(U + 1,) int64: the ratings of user u are rows offsets[u] to offsets[u + 1]."""
        counts = np.bincount(self.users, minlength=self.n_users)
        return np.concatenate([[0], np.cumsum(counts)])

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over ids and ratings: equal exactly when two data sets hold the same ratings in the same order."""
        digest = hashlib.sha256()
        digest.update(json.dumps([self.vocabulary.ids, self.user_ids]).encode())
        for column in (self.users, self.items, self.ratings, self.timestamps):
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    def history(self, user: int) -> UserRatings:
        """The ratings of one user row, possibly none."""
        rows = slice(self.offsets[user], self.offsets[user + 1])
        return UserRatings(user, self.items[rows], self.ratings[rows], self.timestamps[rows])

    def histories(self) -> Iterator[UserRatings]:
        """Every user with at least one rating, ascending."""
        for user in np.flatnonzero(np.diff(self.offsets)):
            yield self.history(int(user))

    def from_end(self) -> np.ndarray:
        """(N,) int64: 0 for a user's last rating, 1 for the one before it, and so on."""
        return np.asarray(self.offsets[self.users + 1] - 1 - np.arange(len(self)), np.int64)

    def select(self, mask: np.ndarray) -> TrainingData:
        """Only the ratings under the mask (N,) bool. Films and users keep their rows: scores stay comparable."""
        return replace(
            self,
            users=self.users[mask],
            items=self.items[mask],
            ratings=self.ratings[mask],
            timestamps=self.timestamps[mask],
        )

    @classmethod
    def from_columns(
        cls,
        user_ids: Sequence[str],
        item_ids: Sequence[str],
        ratings: Sequence[float] | np.ndarray,
        timestamps: Sequence[int] | np.ndarray,
        *,
        titles: Mapping[str, str] | None = None,
        genres: Mapping[str, Sequence[str]] | None = None,
        years: Mapping[str, int] | None = None,
        labels: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
        vectors: Mapping[str, np.ndarray] | None = None,
        vector_space: str | None = None,
    ) -> TrainingData:
        """From N ratings in any order; ties in time keep the order given. Film facts are looked up by id."""
        vocabulary = Vocabulary.of(item_ids)
        user_vocabulary = Vocabulary.of(user_ids)
        users, _ = user_vocabulary.rows(user_ids)
        items, _ = vocabulary.rows(item_ids)
        times = np.asarray(timestamps, np.int64)
        order = np.lexsort((times, users))  # stable: equal times stay as they came
        matrix, has_vector = _gather(vocabulary, vectors)
        return cls(
            vocabulary=vocabulary,
            user_ids=user_vocabulary.ids,
            users=users[order],
            items=items[order],
            ratings=np.asarray(ratings, np.float32)[order],
            timestamps=times[order],
            titles=tuple((titles or {}).get(id, "") for id in vocabulary.ids),
            genres=tuple(tuple((genres or {}).get(id, ())) for id in vocabulary.ids),
            years=np.array([(years or {}).get(id, 0) for id in vocabulary.ids], np.int64),
            labels={
                kind: tuple(tuple(of_film.get(id, ())) for id in vocabulary.ids)
                for kind, of_film in (labels or {}).items()
            },
            vectors=matrix,
            has_vector=has_vector,
            vector_space=vector_space if matrix is not None else None,
        )


def _gather(
    vocabulary: Vocabulary, vectors: Mapping[str, np.ndarray] | None
) -> tuple[np.ndarray | None, np.ndarray | None]:
    if not vectors:
        return None, None
    dimension = len(next(iter(vectors.values())))
    matrix = np.zeros((len(vocabulary), dimension), np.float32)
    has_vector = np.zeros(len(vocabulary), bool)
    for row, id in enumerate(vocabulary.ids):
        if id in vectors:
            matrix[row], has_vector[row] = vectors[id], True
    return matrix, has_vector


def read_training_data(folder: Path, *, verify: bool = True) -> TrainingData:
    """Read a folder that `marquee export` wrote. Raises DataError for one that is incomplete or was changed."""
    import pyarrow.parquet as parquet  # here, so that serving never imports it

    folder = Path(folder)
    manifest = _read_manifest(folder, verify)
    table = parquet.read_table(folder / "ratings.parquet", read_dictionary=["user_id", "movie_id"])
    user_vocabulary, users = encode(table["user_id"])
    vocabulary, items = encode(table["movie_id"])
    ratings = table["rating"].to_numpy().astype(np.float32, copy=False)
    timestamps = table["timestamp"].to_numpy().astype(np.int64, copy=False)
    _check_order(users, timestamps)
    if not np.isfinite(ratings).all():
        raise DataError("ratings.parquet holds a rating that is not a number; export the store again.")
    films = _read_films(folder, vocabulary)
    vectors, has_vector = _read_vectors(folder, vocabulary)
    space = manifest.get("vector_space")
    return TrainingData(
        vocabulary=vocabulary,
        user_ids=user_vocabulary.ids,
        users=users,
        items=items,
        ratings=ratings,
        timestamps=timestamps,
        titles=tuple(film.get("title") or "" for film in films),
        genres=tuple(tuple(film.get("genres") or ()) for film in films),
        years=np.array([film.get("year") or 0 for film in films], np.int64),
        labels=_labels(films),
        vectors=vectors,
        has_vector=has_vector,
        vector_space=str(space["model"]) if vectors is not None and space else None,
        attributes=_read_attributes(folder, user_vocabulary),
        implied=frozenset({RATINGS, TIMESTAMPS}) if manifest.get("implied_ratings") else frozenset(),
    )


def _read_manifest(folder: Path, verify: bool) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    except FileNotFoundError:
        raise DataError(
            f"{folder} is no exported data set (it has no manifest.json); run `marquee export` first."
        ) from None
    except ValueError as error:
        raise DataError(f"{folder / 'manifest.json'} is not JSON ({error}); export the store again.") from None
    if manifest.get("format") != FORMAT:
        raise DataError(
            f"{folder} has export format {manifest.get('format')}, this version reads {FORMAT}; export again."
        )
    for name, sha256 in manifest["files"].items() if verify else ():
        path = folder / name
        if Path(name).name != name or not path.is_file() or _sha256(path) != sha256:
            raise DataError(f"{path} is missing or is not what was exported; export the store again.")
    return dict(manifest)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def encode(column: Any) -> tuple[Vocabulary, np.ndarray]:
    """A string column as (ascending ids, row of each entry (N,) int64)."""
    column = column.unify_dictionaries().combine_chunks()
    chunks = column.chunks if hasattr(column, "chunks") else [column]
    if not chunks:
        return Vocabulary(()), np.empty(0, np.int64)
    ids = chunks[0].dictionary.to_pylist()
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in chunks]).astype(np.int64)
    used = np.unique(codes)
    vocabulary = Vocabulary.of(ids[code] for code in used)
    row_of = np.zeros(len(ids), np.int64)
    row_of[used], _ = vocabulary.rows(ids[code] for code in used)
    return vocabulary, row_of[codes]


def _check_order(users: np.ndarray, timestamps: np.ndarray) -> None:
    same = users[1:] == users[:-1]
    if (users[1:] < users[:-1]).any() or (same & (timestamps[1:] < timestamps[:-1])).any():
        raise DataError("ratings.parquet is not sorted by user and time; export the store again.")


def _read_films(folder: Path, vocabulary: Vocabulary) -> list[dict[str, Any]]:
    """One dictionary a row of the vocabulary, empty for a film that was rated but is in no catalogue."""
    import pyarrow.parquet as parquet

    path = folder / "movies.parquet"
    kinds = [kind for kind in LABEL_KINDS if kind in parquet.read_schema(path).names]
    table = parquet.read_table(path, columns=["movie_id", "title", "genres", "year", *kinds])
    by_id = {film["movie_id"]: film for film in table.to_pylist() if film["movie_id"] in vocabulary}
    return [by_id.get(id, {}) for id in vocabulary.ids]


def _labels(films: Sequence[Mapping[str, Any]]) -> dict[str, tuple[tuple[str, ...], ...]]:
    """The kinds of labels that any film has."""
    found = {kind: tuple(tuple(film.get(kind) or ()) for film in films) for kind in LABEL_KINDS}
    return {kind: lists for kind, lists in found.items() if any(lists)}


def _read_attributes(folder: Path, users: Vocabulary) -> tuple[Mapping[str, str], ...]:
    import pyarrow.parquet as parquet

    if not (folder / "users.parquet").exists():
        return ()
    table = parquet.read_table(folder / "users.parquet").to_pylist()
    by_id = {user["user_id"]: dict(user["attributes"]) for user in table}
    return tuple(by_id.get(id, {}) for id in users.ids)


def _read_vectors(folder: Path, vocabulary: Vocabulary) -> tuple[np.ndarray | None, np.ndarray | None]:
    if not (folder / "vectors.npy").exists():
        return None, None
    ids = json.loads((folder / "vector_ids.json").read_text("utf-8"))
    stored = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
    if stored.ndim != 2 or len(stored) != len(ids):
        raise DataError(
            f"vectors.npy has shape {stored.shape} but vector_ids.json names {len(ids)} films; export again."
        )
    rows, _ = vocabulary.rows(ids)
    matrix = np.zeros((len(vocabulary), stored.shape[1]), np.float32)
    matrix[rows] = stored[vocabulary.known(ids)]
    has_vector = np.zeros(len(vocabulary), bool)
    has_vector[rows] = True
    return matrix, has_vector
