"""What the core does beside answering: computes popularity now and then, completes vectors that are pending.

Both are safe to run in several processes at once, and to be killed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from core_api.popular import Popular
from core_api.preparation import Preparation
from core_api.settings import CoreSettings
from embedding_generator.client import Embedder
from indexer import statistics
from indexer.embed import embed_pending
from indexer.ports import Stores
from service_kit.errors import ServiceError

_log = structlog.get_logger("marquee.core")
_SOONEST_S = 2.0  # between two computations that somebody asked for
_COMPLETE_EVERY_S = 15.0
_BATCH = 64


class Repeating:
    """Calls `work` in a thread of its own: every so many seconds, and when asked to."""

    def __init__(self, name: str, work: Callable[[], None], every_s: float) -> None:
        self._work = work
        self._every_s = every_s
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def soon(self) -> None:
        self._wake.set()

    def close(self) -> None:
        """Returns when the work under way has ended, or after two seconds."""
        self._closed = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(2)

    def _run(self) -> None:
        while not self._closed:
            try:
                self._work()
            except ServiceError as error:  # what it needs is out of reach: there is a next time
                _log.warning("background work put off", work=self._thread.name, reason=error.detail)
            except Exception:  # a mistake of ours is logged whole; the thread must outlive it
                _log.exception("background work failed", work=self._thread.name)
            self._wake.wait(self._every_s)
            self._wake.clear()


class StatisticsKeeper:
    """Computes popularity when what is stored is too old, and shows it to this process at once."""

    def __init__(self, stores: Stores, popular: Popular, settings: CoreSettings, clock: Callable[[], float]) -> None:
        self._stores = stores
        self._popular = popular
        self._settings = settings
        self._clock = clock
        self._tried_at = float("-inf")

    def work(self) -> None:
        stored = statistics.read(self._stores)
        if stored is not None and stored.movie_ids:
            self._popular.show(stored)
            if self._clock() - stored.computed_at < self._settings.statistics_every_s:
                return
        if time.monotonic() - self._tried_at < _SOONEST_S:
            return
        self._tried_at = time.monotonic()
        computed = statistics.compute(self._stores, self._settings.half_life_days)
        if computed.movie_ids:
            statistics.write(self._stores, computed)
            self._popular.show(computed)


class VectorCompleter:
    """Embeds films whose vectors are pending, once the embedder answers again. Leaves it to a preparation under way."""

    def __init__(self, stores: Stores, embedder: Embedder, preparation: Preparation) -> None:
        self._stores = stores
        self._embedder = embedder
        self._preparation = preparation
        self._maybe_pending = True

    def work(self) -> None:
        if not self._maybe_pending or self._preparation.is_running:
            return
        self._maybe_pending = False  # before looking: a film stored from now on sets it again
        try:
            if next(iter(self._stores.movies.pending()), None) is not None:
                report = embed_pending(self._stores, self._embedder, batch=_BATCH)
                _log.info("pending vectors completed", films=report.written, failed=len(report.failures))
        except ServiceError:
            self._maybe_pending = True
            raise

    def expect(self) -> None:
        self._maybe_pending = True


class Background:
    def __init__(
        self,
        stores: Stores,
        embedder: Embedder | None,
        popular: Popular,
        preparation: Preparation,
        settings: CoreSettings,
        clock: Callable[[], float],
    ) -> None:
        keeper = StatisticsKeeper(stores, popular, settings, clock)
        self._statistics = Repeating("statistics", keeper.work, settings.statistics_every_s)
        self._completer = VectorCompleter(stores, embedder, preparation) if embedder is not None else None
        self._works = [self._statistics]
        if self._completer is not None:
            self._works.append(Repeating("vectors", self._completer.work, _COMPLETE_EVERY_S))

    def start(self) -> None:
        for work in self._works:
            work.start()

    def close(self) -> None:
        for work in self._works:
            work.close()

    def want_statistics(self) -> None:
        self._statistics.soon()

    def want_vectors(self) -> None:
        """Films were stored without their vectors."""
        if self._completer is not None:
            self._completer.expect()

    def complete_vectors(self) -> None:
        """One round of the completer, now and here. Raises what the embedder and the store raise."""
        if self._completer is not None:
            self._completer.work()
