"""The strategy for who is not known yet: what most people rate lately. Answers when nothing else does.

`scores` is pure and also what the evaluation measures. Popularity is computed now and then (`core_api.background`),
so it may be minutes old; which films exist, and the filters, are always today's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from indexer import statistics
from indexer.ports import Stores
from indexer.types import MovieFilter, Scored, Statistics

_REREAD_S = 30.0  # another process may have computed newer ones
_NARROW = 5_000  # a filter that leaves fewer films than this is applied before ranking
_QUALITY_PRIOR = 10.0  # ratings at the overall mean that each film's mean starts from


def scores(statistics: Statistics) -> np.ndarray:
    """(N,) float32 for the films of the statistics: decayed number of ratings, times what people thought of them.

    The second factor keeps a film that many have seen and few have liked from greeting every newcomer.
    """
    counts = np.asarray(statistics.counts, np.float64)
    means = np.asarray(statistics.means, np.float64)
    mean = (counts * means + _QUALITY_PRIOR * statistics.global_mean) / (counts + _QUALITY_PRIOR)
    return (np.asarray(statistics.popularity, np.float64) * mean).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Chart:
    """The films that have ratings, best first."""

    computed_at: int
    scores: Mapping[str, float]  # by film id, in descending order
    prior: Mapping[str, float]  # by film id, 0 to 1: `familiarity` of the scores
    counts: Mapping[str, int]  # by film id: how many ratings


_NOTHING = Chart(0, {}, {}, {})


def familiarity(popularity: np.ndarray) -> np.ndarray:
    """(N,) 0 to 1, logarithmic: what being popular adds to a film that a taste is near to (`core_api.neighbours`)."""
    most = popularity.max(initial=0.0)
    return np.log1p(popularity) / np.log1p(most) if most > 0 else np.zeros_like(popularity)


class Popular:
    def __init__(self, stores: Stores, on_missing: Callable[[], None] = lambda: None) -> None:
        """`on_missing` is called when there are no statistics yet, so that somebody computes them."""
        self._stores = stores
        self._on_missing = on_missing
        self._reading = threading.Lock()
        self._chart = _NOTHING
        self._read_at = float("-inf")

    def chart(self) -> Chart:
        """The latest one, read again when it is half a minute old. Empty until there are statistics."""
        if time.monotonic() - self._read_at > _REREAD_S:
            with self._reading:  # one thread reads, the others wait for it
                if time.monotonic() - self._read_at > _REREAD_S:
                    self._read()
        return self._chart

    def show(self, computed: Statistics) -> None:
        """Take these from now on."""
        if computed.computed_at != self._chart.computed_at:
            self._chart = _chart_of(computed)
        self._read_at = time.monotonic()

    def _read(self) -> None:
        stored = statistics.read(self._stores)
        if stored is not None and stored.movie_ids:
            self.show(stored)
        else:
            self._on_missing()

    def ranked(self, where: MovieFilter) -> Iterator[Scored]:
        """The chart's films, best first. May name films that no longer exist or that fail the filter: the caller
        looks each up anyway."""
        allowed: frozenset[str] | None = None
        if not where.empty:
            few = self._stores.movies.matching(where, _NARROW)
            allowed = frozenset(few) if len(few) < _NARROW else None
        for movie_id, score in self.chart().scores.items():
            if allowed is None or movie_id in allowed:
                yield Scored(movie_id, score)


def _chart_of(computed: Statistics) -> Chart:
    values = scores(computed)
    prior = familiarity(values)
    order = np.argsort(-values, kind="stable").tolist()  # ties stay in the order of the statistics
    ids = [computed.movie_ids[row] for row in order]
    return Chart(
        computed.computed_at,
        dict(zip(ids, values[order].tolist(), strict=True)),
        dict(zip(ids, prior[order].tolist(), strict=True)),
        dict(zip(computed.movie_ids, computed.counts, strict=True)),
    )
