"""Popularity of every film: time-decayed counts and means, computed by a scan over all users now and then.

Kept as one document in the store: written by `indexer.load` and now and then by the core, read by its popular strategy.
It may be minutes old: ratings show in the recommendations at once, in the popularity later.
"""

from __future__ import annotations

import time
from itertools import islice

import numpy as np

from indexer.ports import Stores
from indexer.types import History, Statistics
from service_kit.progress import NoProgress, Progress

DOCUMENT = "statistics"
HALF_LIFE_DAYS = 365.0  # flat between 180 and 730 on MovieLens, see docs/log.md
_DAY = 86_400
_USERS_AT_A_TIME = 1000


def compute(stores: Stores, half_life_days: float = HALF_LIFE_DAYS, *, progress: Progress | None = None) -> Statistics:
    """Scan all histories. A rating counts 1 at the time of the latest one, half of that each `half_life_days` before.

    Only films of the catalogue are listed, most popular first, ties by id. The latest rating, not the clock, is the
    reference, so that an old data set keeps its scale.
    """
    total = stores.users.count().users
    tally = _Tally(half_life_days * _DAY)
    histories = (history for _, history in stores.users.scan())
    with (progress or NoProgress()).task("computing popularity", total) as advance:
        while some := list(islice(histories, _USERS_AT_A_TIME)):
            tally.add(some)
            advance(len(some))
    known = stores.movies.get(list(tally.row_of))
    rows = [row for movie_id, row in tally.row_of.items() if movie_id in known]
    ids = list(tally.row_of)
    rows.sort(key=lambda row: (-tally.decayed[row], ids[row]))
    return Statistics(
        computed_at=int(time.time()),
        movie_ids=tuple(ids[row] for row in rows),
        popularity=tuple(tally.decayed[rows].tolist()),
        counts=tuple(tally.counts[rows].astype(int).tolist()),
        means=tuple((tally.sums[rows] / tally.counts[rows]).tolist()),
        global_mean=float(tally.sums.sum() / max(1, tally.counts.sum())),
    )


def write(stores: Stores, statistics: Statistics) -> None:
    stores.meta.write(DOCUMENT, {name: getattr(statistics, name) for name in Statistics.__slots__})


def read(stores: Stores) -> Statistics | None:
    """What was last written; None before that, and for what another version of Marquee wrote."""
    document = stores.meta.read(DOCUMENT)
    if document is None or set(document) != set(Statistics.__slots__):
        return None
    return Statistics(
        computed_at=document["computed_at"],
        movie_ids=tuple(document["movie_ids"]),
        popularity=tuple(document["popularity"]),
        counts=tuple(document["counts"]),
        means=tuple(document["means"]),
        global_mean=document["global_mean"],
    )


class _Tally:
    """Sums per film, films in rows in the order in which they first occur."""

    def __init__(self, half_life_s: float) -> None:
        self.row_of: dict[str, int] = {}
        self.decayed = np.zeros(0)  # (V,)
        self.counts = np.zeros(0)
        self.sums = np.zeros(0)
        self._half_life_s = half_life_s
        self._latest: float | None = None  # seconds; what `decayed` is relative to

    def add(self, histories: list[History]) -> None:
        rows = np.array([self._row(movie_id) for history in histories for movie_id in history.movie_ids], np.int64)
        ratings = np.array([rating for history in histories for rating in history.ratings])
        times = np.array([float(time) for history in histories for time in history.timestamps])
        size = len(self.row_of)
        latest = max(times.max(), self._latest if self._latest is not None else -np.inf)
        if self._latest is not None:
            self.decayed *= 0.5 ** ((latest - self._latest) / self._half_life_s)
        self._latest = latest
        weights = 0.5 ** ((latest - times) / self._half_life_s)
        self.decayed = _grown(self.decayed, size) + np.bincount(rows, weights, size)
        self.counts = _grown(self.counts, size) + np.bincount(rows, minlength=size)
        self.sums = _grown(self.sums, size) + np.bincount(rows, ratings, size)

    def _row(self, movie_id: str) -> int:
        return self.row_of.setdefault(movie_id, len(self.row_of))


def _grown(column: np.ndarray, size: int) -> np.ndarray:
    return np.pad(column, (0, size - len(column)))
