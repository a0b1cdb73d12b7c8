"""Adds to the films of a store what a data set by TMDB id knows of them: overview, keywords, cast, director.

The films keep their ids, titles, genres and tags; those that changed are pending until they are embedded anew. Called
by `marquee load` for such a data set beside a catalogue, and by `marquee up` for those that lie in MARQUEE_DATASETS.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from indexer.batches import batches
from indexer.datasets.dataset import Dataset
from indexer.datasets.errors import DatasetError
from indexer.datasets.rich import enriched
from indexer.ports import Stores
from indexer.summary import LoadSummary
from indexer.types import Failure, Movie
from service_kit.progress import Advance, NoProgress, Progress

ENRICHED = "enriched"  # in stores.meta: name -> {"fingerprint", "films"}
_PAGE = 1000


def enrich(stores: Stores, dataset: Dataset, progress: Progress | None = None) -> LoadSummary:
    """Repeating it changes nothing. Raises DatasetError if no film of the store has a TMDB id that could be joined."""
    progress = progress or NoProgress()
    started = time.monotonic()
    with progress.task(f"reading {dataset.name}"):
        details = dataset.details({film.tmdb_id for film in stores.movies.scan() if film.tmdb_id})
    known, changed, failures = 0, 0, list[Failure]()
    with progress.task(f"joining {dataset.name}", stores.movies.count()) as advance:
        for page in batches(_counted(stores.movies.scan(), advance), _PAGE):
            by_film = {film: details[film.tmdb_id] for film in page if film.tmdb_id and film.tmdb_id in details}
            found = [(film, enriched(film, by)) for film, by in by_film.items()]
            known += len(found)
            report = stores.movies.put(new for film, new in found if new != film)
            changed += report.written
            failures += report.failures
    if not known:
        raise DatasetError(
            f"{dataset.name} describes films by their TMDB ids, and no film of this store has one that it knows: load "
            "a catalogue with links first (such as ml-latest-small)."
        )
    entry = {"fingerprint": dataset.fingerprint, "films": known}
    stores.meta.write(ENRICHED, {**(stores.meta.read(ENRICHED) or {}), dataset.name: entry})
    return LoadSummary(
        name=dataset.name,
        movies=changed,
        users=0,
        ratings=0,
        set_aside=dataset.report.counts,
        failures=tuple(failures),
        missing=(),
        seconds=time.monotonic() - started,
        only_added=True,
    )


def _counted(films: Iterator[Movie], advance: Advance) -> Iterator[Movie]:
    for film in films:
        advance(1)
        yield film
