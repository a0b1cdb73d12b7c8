"""Users in `user_index`: one document a user, its arrays neither indexed nor in columns.

Reading is one get by id, which sees every finished write without a refresh. Writing is read, merge, write back unless
somebody else was faster, in which case it starts again from what they wrote.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from elasticsearch import ConflictError, NotFoundError

from indexer.batches import batches
from indexer.checks import ratings_problem, user_problem
from indexer.elasticsearch_store.reading import Document, by_id, one, scan, search
from indexer.elasticsearch_store.writing import MOST_ATTEMPTS, Action, Writer, guarded
from indexer.merge import UserDocument, merge, remove
from indexer.types import Failure, History, Rating, User, UserCounts, WriteReport
from service_kit.errors import InvalidRequest, StoreUnavailable

_RATINGS_A_BATCH = 50_000
_USERS_A_PAGE = 500
_BACKOFF_S = 0.01  # after a conflict, at most, times the number of attempts
_HISTORY = ["movie_id", "ratings", "timestamps"]
_DOCUMENT = [*_HISTORY, "removed_movie_id", "removed_at"]
_ATTRIBUTES = ["attribute_names", "attribute_values"]
_RATED = {"range": {"rating_count": {"gt": 0}}}
_DESCRIBED = {"range": {"attribute_count": {"gt": 0}}}


class ElasticsearchUsers:
    def __init__(self, writer: Writer, longest_history: int) -> None:
        self._writer = writer
        self._client = writer.client
        self._indices = writer.indices
        self._index = writer.names.users
        self._longest = longest_history

    def history(self, user_id: str) -> History:
        hit = one(self._client, self._index, user_id, source_includes=_HISTORY)
        return _history(hit["_source"]) if hit else History()

    def merge(self, user_id: str, ratings: Sequence[Rating]) -> History:
        if problem := ratings_problem(user_id, ratings):
            raise InvalidRequest(f"User {user_id!r}: {problem}.")
        _, after = self._change(user_id, lambda before: merge(before, ratings, self._longest))
        return after.history

    def merge_many(self, ratings: Iterable[tuple[str, Sequence[Rating]]]) -> WriteReport:
        self._indices.ensure()
        written = 0
        failures: list[Failure] = []
        for batch in _by_size(ratings):
            refused = self._merge_batch(batch)
            written += len(batch) - len(refused)
            failures += refused
        self._writer.refresh(self._index)
        return WriteReport(written, tuple(failures))

    def remove(self, user_id: str, movie_id: str, at: int) -> bool:
        before, after = self._change(user_id, lambda before: remove(before, movie_id, at))
        return after is not before

    def forget(self, user_id: str) -> bool:
        for _ in self._attempts(user_id):
            hit = one(self._client, self._index, user_id, source_includes=["rating_count", "attribute_count"])
            if hit is None:
                return False
            try:
                self._client.delete(index=self._index, id=user_id, **guarded(hit))
            except ConflictError:
                continue
            except NotFoundError:
                return False
            return _known(hit["_source"])
        raise AssertionError("_attempts raises at its end")

    def put_users(self, users: Iterable[User]) -> WriteReport:
        self._indices.ensure()
        written = 0
        failures: list[Failure] = []
        for batch in batches(users, _USERS_A_PAGE):
            problems = {user.id: problem for user in batch if (problem := user_problem(user))}
            refused = [Failure(user_id, problem) for user_id, problem in problems.items()]
            outcome = self._writer.bulk(self._attributes(user) for user in batch if user.id not in problems)
            refused += outcome.failures
            refused += [Failure(user_id, "others kept changing this user") for user_id in outcome.conflicts]
            written += len(batch) - len(refused)
            failures += refused
        self._writer.refresh(self._index)
        return WriteReport(written, tuple(failures))

    def user(self, user_id: str) -> User | None:
        known = ["rating_count", "attribute_count"]
        hit = one(self._client, self._index, user_id, source_includes=[*_ATTRIBUTES, *known])
        return _user(user_id, hit["_source"]) if hit and _known(hit["_source"]) else None

    def scan(self) -> Iterator[tuple[str, History]]:
        sources = scan(
            self._client, self._index, "user_id", page=_USERS_A_PAGE, query=_RATED, source=["user_id", *_HISTORY]
        )
        return ((source["user_id"], _history(source)) for source in sources)

    def scan_users(self) -> Iterator[User]:
        sources = scan(
            self._client, self._index, "user_id", page=_USERS_A_PAGE, query=_DESCRIBED, source=["user_id", *_ATTRIBUTES]
        )
        return (_user(source["user_id"], source) for source in sources)

    def count(self) -> UserCounts:
        self._writer.refresh(self._index)
        answer = search(
            self._client,
            self._index,
            query=_RATED,
            size=0,
            track_total_hits=True,
            aggregations={"ratings": {"sum": {"field": "rating_count"}}},
        )
        ratings = answer["aggregations"]["ratings"]["value"] if "aggregations" in answer else 0
        return UserCounts(answer["hits"]["total"]["value"], int(ratings))

    def _change(
        self, user_id: str, change: Callable[[UserDocument], UserDocument]
    ) -> tuple[UserDocument, UserDocument]:
        """Write what `change` makes of the document; both, before and after."""
        self._indices.ensure()
        for _ in self._attempts(user_id):
            hit = one(self._client, self._index, user_id)
            before = _document(hit["_source"]) if hit else UserDocument()
            after = change(before)
            if after == before:
                return before, after
            guard: dict[str, Any] = guarded(hit) if hit else {"op_type": "create"}
            try:
                self._writer.index(self._index, user_id, _source(user_id, after, hit), **guard)
            except ConflictError:
                continue
            return before, after
        raise AssertionError("_attempts raises at its end")

    def _merge_batch(self, batch: Sequence[tuple[str, Sequence[Rating]]]) -> list[Failure]:
        problems = [ratings_problem(user_id, some) for user_id, some in batch]
        refused = [Failure(user_id, why) for (user_id, _), why in zip(batch, problems, strict=True) if why]
        new: dict[str, list[Sequence[Rating]]] = {}
        for (user_id, some), problem in zip(batch, problems, strict=True):
            if not problem:
                new.setdefault(user_id, []).append(some)
        waiting: Iterable[str] = new
        for attempt in range(MOST_ATTEMPTS):
            stored = by_id(self._client, self._index, waiting)
            outcome = self._writer.bulk(self._merged(new, waiting, stored))
            refused += outcome.failures
            waiting = outcome.conflicts
            if not waiting:
                break
            time.sleep(random.uniform(0, _BACKOFF_S * (attempt + 1)))
        return refused + [Failure(user_id, "others kept changing this user") for user_id in waiting]

    def _merged(
        self, new: Mapping[str, Sequence[Sequence[Rating]]], ids: Iterable[str], stored: Mapping[str, Document]
    ) -> Iterator[Action]:
        for user_id in ids:
            hit = stored.get(user_id)
            after = before = _document(hit["_source"]) if hit else UserDocument()
            for some in new[user_id]:
                after = merge(after, some, self._longest)
            if after != before:
                guard = guarded(hit) if hit else {"_op_type": "create"}
                yield {"_index": self._index, "_id": user_id, **guard, "_source": _source(user_id, after, hit)}

    def _attributes(self, user: User) -> Action:
        attributes = {
            "attribute_names": list(user.attributes),
            "attribute_values": list(user.attributes.values()),
            "attribute_count": len(user.attributes),
        }
        return {
            "_op_type": "update",
            "_index": self._index,
            "_id": user.id,
            "retry_on_conflict": 10,
            "doc": attributes,  # arrays replace arrays; objects would be merged
            "upsert": {**_source(user.id, UserDocument(), None), **attributes},
        }

    def _attempts(self, user_id: str) -> Iterator[int]:
        for attempt in range(MOST_ATTEMPTS):
            yield attempt
            time.sleep(random.uniform(0, _BACKOFF_S * (attempt + 1)))
        raise StoreUnavailable(f"Others kept changing user {user_id!r} at the same time: try again.")


def _by_size(ratings: Iterable[tuple[str, Sequence[Rating]]]) -> Iterator[list[tuple[str, Sequence[Rating]]]]:
    """Users in batches that are neither many documents nor many ratings."""
    batch: list[tuple[str, Sequence[Rating]]] = []
    size = 0
    for user_id, some in ratings:
        batch.append((user_id, some))
        size += len(some)
        if size >= _RATINGS_A_BATCH or len(batch) >= _USERS_A_PAGE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _source(user_id: str, document: UserDocument, hit: Document | None) -> dict[str, Any]:
    """The whole document of a user; attributes stay what they are."""
    old: Mapping[str, Any] = hit["_source"] if hit else {}
    history = document.history
    return {
        "user_id": user_id,
        "movie_id": history.movie_ids,
        "ratings": history.ratings,
        "timestamps": history.timestamps,
        "rating_count": len(history),
        "removed_movie_id": list(document.removed),
        "removed_at": list(document.removed.values()),
        **{name: old.get(name, []) for name in _ATTRIBUTES},
        "attribute_count": old.get("attribute_count", 0),
    }


def _document(source: Mapping[str, Any]) -> UserDocument:
    return UserDocument(_history(source), dict(zip(source["removed_movie_id"], source["removed_at"], strict=True)))


def _history(source: Mapping[str, Any]) -> History:
    return History(
        tuple(source["movie_id"]), tuple(float(rating) for rating in source["ratings"]), tuple(source["timestamps"])
    )


def _user(user_id: str, source: Mapping[str, Any]) -> User:
    return User(user_id, dict(zip(source["attribute_names"], source["attribute_values"], strict=True)))


def _known(source: Mapping[str, Any]) -> bool:
    return bool(source["rating_count"] or source["attribute_count"])
