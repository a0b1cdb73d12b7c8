"""How new ratings merge into a user's document: one function for both stores, so that they agree to the letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from indexer.types import History, Rating


@dataclass(frozen=True, slots=True)
class UserDocument:
    """What a store keeps of one user: the history, and when films were removed from it (movie id -> seconds)."""

    history: History = field(default_factory=History)
    removed: Mapping[str, int] = field(default_factory=dict)


def merge(document: UserDocument, ratings: Sequence[Rating], longest: int) -> UserDocument:
    """Per film the later time wins, at equal time the later arrival; of more than `longest` the oldest go.

    A rating of a removed film counts only if it is later than the removal. Merging the same twice changes nothing.
    """
    kept = dict(zip(document.history.movie_ids, _rows(document.history), strict=True))
    removed = dict(document.removed)
    for new in ratings:
        if new.timestamp <= removed.get(new.movie_id, -1):
            continue
        removed.pop(new.movie_id, None)
        old = kept.get(new.movie_id)
        if old is None or new.timestamp > old.timestamp:
            kept.pop(new.movie_id, None)  # a later rating takes a later place
            kept[new.movie_id] = new
        elif new.timestamp == old.timestamp:
            kept[new.movie_id] = new
    rows = sorted(kept.values(), key=lambda row: row.timestamp)[-longest:]  # stable: ties stay in arrival order
    return UserDocument(_history(rows), removed)


def remove(document: UserDocument, movie_id: str, at: int) -> UserDocument:
    """The document without that film's rating; an earlier rating of it that arrives late stays out."""
    rows = [row for row in _rows(document.history) if row.movie_id != movie_id]
    return UserDocument(_history(rows), {**document.removed, movie_id: at})


def _rows(history: History) -> list[Rating]:
    columns = zip(history.movie_ids, history.ratings, history.timestamps, strict=True)
    return [Rating(movie_id, rating, timestamp) for movie_id, rating, timestamp in columns]


def _history(rows: Sequence[Rating]) -> History:
    return History(
        tuple(row.movie_id for row in rows), tuple(row.rating for row in rows), tuple(row.timestamp for row in rows)
    )
