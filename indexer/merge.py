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
    history = document.history
    kept = dict(zip(history.movie_ids, zip(history.ratings, history.timestamps, strict=True), strict=True))
    removed = dict(document.removed)
    for new in ratings:
        removed_at = removed.get(new.movie_id)
        if removed_at is not None:
            if new.timestamp <= removed_at:
                continue
            del removed[new.movie_id]
        old = kept.get(new.movie_id)
        if old is not None:
            if new.timestamp < old[1]:
                continue
            if new.timestamp > old[1]:
                del kept[new.movie_id]  # a later rating takes a later place
        kept[new.movie_id] = (new.rating, new.timestamp)
    if len(kept) > longest:
        # Ties at the edge are cut by id, not by arrival: else what was cut would come back when it arrives again.
        order = sorted(kept, key=lambda movie_id: (kept[movie_id][1], movie_id))
        for movie_id in order[:-longest]:
            del kept[movie_id]
    return UserDocument(_columns(kept), removed)


def remove(document: UserDocument, movie_id: str, at: int) -> UserDocument:
    """The document without that film's rating; an earlier rating of it that arrives late stays out.

    The same document, not a copy, where there is no such rating.
    """
    history = document.history
    if movie_id not in history.movie_ids:
        return document
    kept = dict(zip(history.movie_ids, zip(history.ratings, history.timestamps, strict=True), strict=True))
    del kept[movie_id]
    return UserDocument(_columns(kept), {**document.removed, movie_id: at})


def _columns(kept: Mapping[str, tuple[float, int]]) -> History:
    rows = sorted(kept.items(), key=lambda row: row[1][1])  # stable: ties stay in arrival order
    return History(
        tuple(movie_id for movie_id, _ in rows),
        tuple(rating for _, (rating, _) in rows),
        tuple(timestamp for _, (_, timestamp) in rows),
    )
