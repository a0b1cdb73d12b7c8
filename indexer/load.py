"""Puts a data set into a store: films, users, ratings, and in the end the statistics over them.

Repeating it changes nothing. A second data set is refused where its ids mean somebody or something else. Vectors are
`indexer.embed`'s business. Called by `marquee load` and `marquee up`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from indexer import statistics
from indexer.batches import batches
from indexer.datasets.dataset import Dataset
from indexer.datasets.errors import DatasetError
from indexer.datasets.rich import enriched
from indexer.enrich import ENRICHED
from indexer.folding import fold_title
from indexer.ports import Stores
from indexer.statistics import HALF_LIFE_DAYS
from indexer.summary import LoadSummary
from indexer.types import Failure, Movie, Rating
from service_kit.progress import Advance, NoProgress, Progress

DOCUMENT = "datasets"  # in stores.meta: name -> {"fingerprint", "complete", "movies", "ratings"}
_BLOCK = 500_000  # ratings grouped by user at once: some 100 MB
_PAGE = 1000  # films looked up at once
_T = TypeVar("_T")


def is_loaded(stores: Stores, dataset: Dataset) -> bool:
    """Whether this very data set was loaded to its end. Cheap; an explicit load need not ask."""
    entry = (stores.meta.read(DOCUMENT) or {}).get(dataset.name)
    return bool(entry and entry["complete"] and entry["fingerprint"] == dataset.fingerprint)


def load_dataset(
    stores: Stores,
    dataset: Dataset,
    *,
    merge: bool = False,
    half_life_days: float = HALF_LIFE_DAYS,
    progress: Progress | None = None,
) -> LoadSummary:
    """Load all of it and compute the statistics.

    Raises DatasetError if the store holds another data set with which ids collide, unless `merge` says that equal
    ids mean the same. Interrupted, it can be repeated.
    """
    progress = progress or NoProgress()
    started = time.monotonic()
    entries = stores.meta.read(DOCUMENT) or {}
    if not merge:
        _refuse_collisions(stores, dataset, entries)
    entry: dict[str, Any] = {"fingerprint": dataset.fingerprint, "complete": False}
    stores.meta.write(DOCUMENT, {**entries, dataset.name: entry})

    failures: list[Failure] = []
    movies = _keeping_details(stores, dataset.movies())
    with progress.task("loading films", len(movies)) as advance:
        report = stores.movies.put(_counted(movies, advance))
    movies_written = report.written
    failures += report.failures
    failures += stores.users.put_users(dataset.users()).failures
    tally = _Tally()
    with progress.task("loading ratings", dataset.count_rows("ratings")) as advance:
        groups = tally.watch(by_user(_counted(dataset.ratings(), advance)))
        failures += stores.users.merge_many(groups).failures
    with progress.task("computing statistics"):
        statistics.write(stores, statistics.compute(stores, half_life_days))

    ratings = tally.ratings - dataset.repeated_ratings
    entry |= {"complete": True, "movies": movies_written, "users": len(tally.users), "ratings": ratings}
    stores.meta.write(DOCUMENT, {**(stores.meta.read(DOCUMENT) or {}), dataset.name: entry})
    return LoadSummary(
        name=dataset.name,
        movies=movies_written,
        users=len(tally.users),
        ratings=ratings,
        set_aside=dataset.report.counts,
        failures=tuple(failures),
        missing=dataset.missing,
        seconds=time.monotonic() - started,
    )


def by_user(ratings: Iterable[tuple[str, Rating]], block: int = _BLOCK) -> Iterator[tuple[str, list[Rating]]]:
    """Ratings in any order -> each user's together, as far as `block` ratings at a time allow.

    Files sorted by user, as the large ones are, give each user once or, at the end of a block, twice.
    """
    users: dict[str, list[Rating]] = {}
    held = 0
    for user, rating in ratings:
        if held == block:
            yield from users.items()
            users, held = {}, 0
        users.setdefault(user, []).append(rating)
        held += 1
    yield from users.items()


class _Tally:
    """Counts what passes through."""

    def __init__(self) -> None:
        self.users: set[str] = set()
        self.ratings = 0

    def watch(self, groups: Iterable[tuple[str, list[Rating]]]) -> Iterator[tuple[str, list[Rating]]]:
        for user, ratings in groups:
            self.users.add(user)
            self.ratings += len(ratings)
            yield user, ratings


def _counted(items: Iterable[_T], advance: Advance) -> Iterator[_T]:
    """The items, with progress told every thousand."""
    done = 0
    for done, item in enumerate(items, 1):
        yield item
        if done % _PAGE == 0:
            advance(_PAGE)
    advance(done % _PAGE)


def _keeping_details(stores: Stores, movies: Iterable[Movie]) -> list[Movie]:
    """The films, with what another data set had added to those that are stored already."""
    films = list(movies)
    if not stores.meta.read(ENRICHED):
        return films
    kept: list[Movie] = []
    for page in batches(films, _PAGE):
        stored = stores.movies.get([film.id for film in page])
        kept += [enriched(film, stored[film.id]) if film.id in stored else film for film in page]
    return kept


def _refuse_collisions(stores: Stores, dataset: Dataset, entries: Mapping[str, Any]) -> None:
    """Ids of a second data set must be free, or mean the same film; equal user ids are never the same person."""
    if not entries or any(entry["fingerprint"] == dataset.fingerprint for entry in entries.values()):
        return
    collision = _movie_collision(stores, dataset.movies()) or _user_collision(stores, dataset.ratings())
    if collision:
        raise DatasetError(
            f"{dataset.name} was not loaded: {collision}, which came with {', '.join(entries)}. Use another store "
            "(--store), or --merge if equal ids mean the same films and people."
        )


def _movie_collision(stores: Stores, movies: Iterator[Movie]) -> str | None:
    while page := {movie.id: movie for movie in islice(movies, _PAGE)}:
        for id, stored in stores.movies.get(list(page)).items():
            if fold_title(stored.title) != fold_title(page[id].title):
                return f"the store has film {id} as {stored.title!r}, not as {page[id].title!r}"
    return None


def _user_collision(stores: Stores, ratings: Iterable[tuple[str, Rating]]) -> str | None:
    checked: set[str] = set()
    for user, _rating in ratings:
        if user not in checked and stores.users.user(user) is not None:
            return f"the store already has a user {user}"
        checked.add(user)
    return None
