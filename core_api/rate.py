"""Write ratings, read histories. The store merges; here is what time a rating has, and what its caller is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from indexer.ports import Stores
from indexer.types import History, Rating
from service_kit.errors import NotFound

_TRIES = 8


@dataclass(frozen=True, slots=True)
class NewRating:
    movie_id: str
    rating: float
    timestamp: int | None = None  # None: now


@dataclass(frozen=True, slots=True)
class Rated:
    updated: Mapping[str, int]  # user id -> films rated
    unknown_movies: tuple[str, ...]  # stored, but not in the catalogue


class Ratings:
    def __init__(self, stores: Stores, clock: Callable[[], float]) -> None:
        self._stores = stores
        self._clock = clock

    def add(self, ratings: Mapping[str, Sequence[NewRating]]) -> Rated:
        """Merge for each user in turn: not one transaction, and safe to repeat. Times in the future are cut to now."""
        named = tuple(dict.fromkeys(new.movie_id for rows in ratings.values() for new in rows))
        found = self._stores.movies.get(named)
        for user_id, rows in ratings.items():
            self._merge(user_id, rows)
        return Rated(
            {user_id: len({new.movie_id for new in rows}) for user_id, rows in ratings.items()},
            tuple(movie_id for movie_id in named if movie_id not in found),
        )

    def put(self, user_id: str, movie_id: str, rating: float) -> Rating:
        """One rating, dated later than the one that is there; as it is stored."""
        stored = find(self._stores.users.history(user_id), movie_id)
        at = max(self._now(), stored.timestamp + 1 if stored else 0)
        history = self._merge_not_before(user_id, [Rating(movie_id, rating, at)])
        return find(history, movie_id) or Rating(movie_id, rating, at)

    def remove(self, user_id: str, movie_id: str) -> None:
        stored = find(self._stores.users.history(user_id), movie_id)
        if stored is None:
            raise NotFound(f"user {user_id} has no rating of film {movie_id}")
        self._stores.users.remove(user_id, movie_id, max(self._now(), stored.timestamp + 1))

    def forget(self, user_id: str) -> None:
        """Erase the user, with history and attributes."""
        if not self._stores.users.forget(user_id):
            raise NotFound(f"nothing is stored of user {user_id}")

    def history(self, user_id: str) -> History:
        return self._stores.users.history(user_id)

    def _merge(self, user_id: str, rows: Sequence[NewRating]) -> None:
        now = self._now()
        dated = [Rating(new.movie_id, new.rating, min(new.timestamp, now)) for new in rows if new.timestamp is not None]
        fresh = [Rating(new.movie_id, new.rating, now) for new in rows if new.timestamp is None]
        if dated:
            self._stores.users.merge(user_id, dated)
        if fresh:
            self._merge_not_before(user_id, fresh)

    def _merge_not_before(self, user_id: str, rows: Sequence[Rating]) -> History:
        """Merge ratings given now, and see that they count.

        One of them would not if its film was taken away, or rated, a moment ago "later than now" (a removal is dated
        after the rating that it removes): then it is dated just after that.
        """
        history = self._stores.users.merge(user_id, rows)
        for step in range(_TRIES):
            times = dict(zip(history.movie_ids, history.timestamps, strict=True))
            lost = [row for row in rows if times.get(row.movie_id, -1) < row.timestamp]
            ahead = [row for row in rows if times.get(row.movie_id, -1) > row.timestamp]
            if not lost and not ahead:
                break
            rows = [
                Rating(row.movie_id, row.rating, max(row.timestamp + 2**step, times.get(row.movie_id, -1) + 1))
                for row in (*lost, *ahead)
            ]
            history = self._stores.users.merge(user_id, rows)
        return history

    def _now(self) -> int:
        return int(self._clock())


def find(history: History, movie_id: str) -> Rating | None:
    """The rating of that film, if there is one."""
    if movie_id not in history.movie_ids:
        return None
    place = history.movie_ids.index(movie_id)
    return Rating(movie_id, history.ratings[place], history.timestamps[place])
