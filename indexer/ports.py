"""The store ports: what a store must do, in the words of its users. The docstrings are the contract.

Two implementations: `indexer.sqlite_store` and `indexer.elasticsearch_store`; `indexer.open_stores` picks one by
URL; one contract test class runs on both. All calls block and may come from any thread. Ids are strings and opaque.
Every call may raise `service_kit.errors.StoreUnavailable` when the store is out of reach, and
`service_kit.deadline.DeadlineExceeded` when the request's time is used up. Bulk writes set an unsound item aside with
its reason (`indexer.checks`) and write the rest; calls for one item raise `InvalidRequest` instead. An id that cannot
exist is an unknown one. No query syntax, client type or score scale of a backend crosses these lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from indexer.types import (
    EVERYTHING,
    History,
    Movie,
    MovieFilter,
    MovieVector,
    Rating,
    Scored,
    User,
    UserCounts,
    VectorSpace,
    WriteReport,
)


class MovieStore(Protocol):
    """The catalogue."""

    def get(self, ids: Sequence[str]) -> dict[str, Movie]:
        """The films of these ids; unknown ids are absent. Sees every finished write."""

    def put(self, movies: Iterable[Movie]) -> WriteReport:
        """Insert or replace whole films. Visible to every call on return, also to search. Of one id the last counts.

        A film whose text changed (`indexer.text.text_hash`) is pending until its new vector is put; its old
        vector goes on serving. Filters on genre and year follow the new film at once, for vectors too.
        """

    def delete(self, ids: Sequence[str]) -> int:
        """Remove films and their vectors; how many existed. Ratings of them stay in the histories."""

    def find_titles(self, text: str, limit: int, where: MovieFilter = EVERYTHING) -> list[Movie]:
        """Up to `limit` candidates whose title shares n-grams with `text`, likeliest first.

        A coarse net, tolerant of typos, case, accents and word order; `indexer.titles.rank_titles` orders what it
        catches. Any text is safe: there is no query syntax. A text without letters or digits finds nothing.
        """

    def matching(self, where: MovieFilter, limit: int) -> list[str]:
        """Ids of up to `limit` films that pass the filter, in ascending order of id."""

    def genres(self) -> dict[str, int]:
        """How many films have each genre."""

    def pending(self) -> Iterator[Movie]:
        """Films that have no vector, or one made from another text than theirs, ascending by id.

        Writing while iterating is fine: each film comes at most once."""

    def scan(self) -> Iterator[Movie]:
        """All films, ascending by id."""

    def count(self) -> int: ...


class VectorStore(Protocol):
    """One vector a film, all of one space."""

    def space(self) -> VectorSpace | None:
        """The space of the stored vectors; None until `create`."""

    def create(self, space: VectorSpace) -> None:
        """Prepare for vectors of this space. Nothing happens if it is the present one; raises
        `service_kit.errors.VectorSpaceMismatch` if the present one differs (then `rebuild`)."""

    def put(self, vectors: Iterable[MovieVector]) -> WriteReport:
        """Insert or replace. On return kNN finds them, and each film whose text still has that hash is no longer
        pending. Per-item failures: unknown film, wrong length, a vector that is zero or not finite.
        Raises VectorSpaceMismatch before `create`."""

    def get(self, ids: Sequence[str]) -> dict[str, np.ndarray]:
        """(D,) float32 of these films; absent where there is none. Sees every finished write."""

    def nearest(
        self, queries: np.ndarray, k: int, where: MovieFilter = EVERYTHING, exclude: Iterable[str] = ()
    ) -> list[Scored]:
        """The k films nearest to any of the queries (Q, D), best first, each once with its best cosine.

        Filters and exclusions apply before the k are taken: fewer than k only when fewer exist. Ties (within 1e-6)
        by id. Nothing before `create`, nor for a query that is zero; raises VectorSpaceMismatch for queries of
        another length and InvalidRequest for one that is not finite.
        """

    def rebuild(self, space: VectorSpace) -> AbstractContextManager[VectorStore]:
        """A hidden, empty store of a new space to `put` into. On a clean exit it takes the place of the present
        one in one step (films written meanwhile are pending if their text changed); on an error it is dropped.
        One at a time: a second may make the first raise VectorSpaceMismatch."""

    def scan(self) -> Iterator[MovieVector]:
        """All vectors, ascending by film id."""

    def count(self) -> int: ...


class UserStore(Protocol):
    """Users: a history each, one document a user. A finished write is durable and seen by the next read."""

    def history(self, user_id: str) -> History:
        """Oldest first, ties in arrival order. Empty for an unknown user."""

    def merge(self, user_id: str, ratings: Sequence[Rating]) -> History:
        """Merge into what is there and return the new history.

        Per film the later time wins, at equal time the later arrival; a film removed at time t comes back only
        with a later time. Repeating a call changes nothing. Concurrent merges lose nothing. Beyond the longest
        history (a setting) the oldest ratings are dropped.
        """

    def merge_many(self, ratings: Iterable[tuple[str, Sequence[Rating]]]) -> WriteReport:
        """The same for many users, in bulk (loading, imports). `written` counts pairs of user and ratings;
        of a pair with an unsound rating nothing is written."""

    def remove(self, user_id: str, movie_id: str, at: int) -> bool:
        """Take one rating away at time `at`; whether there was one. Without one nothing changes."""

    def forget(self, user_id: str) -> bool:
        """Erase the user: history, removals, attributes; whether there was a rating or an attribute."""

    def put_users(self, users: Iterable[User]) -> WriteReport:
        """Insert or replace attributes; histories stay as they are."""

    def user(self, user_id: str) -> User | None:
        """The user's attributes; None for an unknown user (one without any rating or attribute)."""

    def scan(self) -> Iterator[tuple[str, History]]:
        """All users with at least one rating, ascending by id."""

    def scan_users(self) -> Iterator[User]:
        """All users that have attributes, ascending by id."""

    def count(self) -> UserCounts:
        """Users with at least one rating, and all ratings."""


class MetaStore(Protocol):
    """A few named JSON documents about the store itself: data sets loaded, statistics."""

    def read(self, name: str) -> dict[str, Any] | None: ...

    def write(self, name: str, document: Mapping[str, Any]) -> None:
        """Replace the document; the next read sees it."""


class Stores(Protocol):
    """Everything behind one store URL."""

    movies: MovieStore
    vectors: VectorStore
    users: UserStore
    meta: MetaStore

    def check(self) -> None:
        """Returns when the store answers; raises StoreUnavailable otherwise. Cheap enough for a health check."""

    def version(self) -> str | None:
        """A token that differs after any finished write to movies, vectors or meta, by any process (ratings do not
        count); None where the backend cannot tell cheaply. Whoever caches what was computed from them compares it."""

    def close(self) -> None: ...
