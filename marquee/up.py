"""`marquee up`: load what is missing, serve at once, and prepare beside it what makes the answers better.

    load (before serving)  ->  serve: popular, neighbours  ->  embed (in this process)  ->  train (in a child)

Each step is skipped when its result is there. Embedding shares the engine that serves, so requests go before bulk
texts; training has a process of its own, at low priority, so that serving keeps its latency and memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from embedding_generator.lazy import LazyEmbedder
from marquee import serving, steps
from marquee.output import result, say
from marquee.relay import Both, EndedEarly, show
from marquee.terminal import RichProgress
from marquee.wiring import (
    embedder_over_http,
    opened_stores,
    read_settings,
    recommender_in_process,
    recommender_over_http,
    store_settings,
)
from service_kit.errors import ModelUnavailable, ServiceError

if TYPE_CHECKING:
    from core_api.core import Core
    from core_api.settings import CoreSettings
    from embedding_generator.client import Embedder
    from indexer.ports import Stores

SECONDS_TO_STOP = 10.0


def up(given: dict[str, Any], dataset: str | None, store: str | None) -> None:
    """Returns when SIGINT or SIGTERM has stopped the server and all that ran beside it."""
    from core_api.settings import CoreSettings

    settings = read_settings(CoreSettings, **given)
    serving.check(settings, settings.port)  # before the long work
    with opened_stores(store) as stores, ExitStack() as parts:
        with RichProgress() as progress:
            steps.load_if_empty(stores, dataset, progress)
        serve(stores, settings, store, parts)


def serve(stores: Stores, settings: CoreSettings, store: str | None, parts: ExitStack) -> None:
    from core_api.app import create_app
    from core_api.core import Core

    ready = threading.Event()
    embedder = embedder_over_http(settings) or _embedder_in_background(stores, ready, parts)
    recommender = recommender_over_http(settings)
    if recommender is None:
        recommender = recommender_in_process()
        parts.callback(recommender.close)
    core = Core(stores, recommender, embedder, settings)
    preparing = Preparing(core, stores, embedder, store)
    parts.callback(preparing.stop)

    def on_ready(url: str) -> None:
        result(url)
        ready.set()
        preparing.start(url)

    serving.run(create_app(core, settings), settings, settings.port, "core", on_ready=on_ready)


def _embedder_in_background(stores: Stores, ready: threading.Event, parts: ExitStack) -> Embedder:
    """Importing the encoder takes seconds: that begins when the server is ready, and delays nothing."""
    from embedding_generator.settings import EmbeddingSettings

    settings = read_settings(EmbeddingSettings)
    stopped = threading.Event()

    def load() -> Any:
        ready.wait()
        if stopped.is_set():
            raise ModelUnavailable("it is shutting down")
        return steps.engine_or_lsa(stores, settings)

    embedder = LazyEmbedder(load)
    parts.callback(embedder.close)
    parts.callback(ready.set)  # where the server never became ready
    parts.callback(stopped.set)
    return embedder


class Preparing:
    """What goes on beside the server until everything is there. `start` begins it, `stop` ends it early."""

    def __init__(self, core: Core, stores: Stores, embedder: Embedder, store: str | None) -> None:
        self._core = core
        self._stores = stores
        self._embedder = embedder
        self._store = store
        self._child: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()  # guards _child and _stopped
        self._stopped = False
        self._training = ExitStack()
        self._embed_first = next(iter(stores.movies.pending()), None) is not None
        if not self._embed_first:
            say(f"embed: {stores.vectors.count():,} vectors already there")
        self._train = self._embed_first or steps.training_needed(stores)
        if self._train:
            self._training.enter_context(core.preparation.training())
            say("serving already: popular films and neighbours, or the active model, until training has ended")
        else:
            say("train: nothing to train")
        self._thread = threading.Thread(target=self._run, name="preparing", daemon=True)
        self._url = ""

    def start(self, url: str) -> None:
        self._url = url
        self._thread.start()

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            child = self._child
        if child is not None:
            end(child)
        if isinstance(self._embedder, LazyEmbedder):
            self._embedder.close()  # whoever waits for a vector stops waiting
        if self._thread.is_alive():
            self._thread.join(SECONDS_TO_STOP)

    def _run(self) -> None:
        refused = self._active_is_refused()
        if not (self._embed_first or self._train or refused):
            return
        try:
            with self._training, RichProgress() as bars:
                progress = Both(bars, self._core.preparation)
                steps.embed_missing(self._stores, self._loaded_embedder, progress)
                if refused or steps.training_needed(self._stores):
                    self._train_in_child(progress)
        except ServiceError as error:
            if not self._stopped:
                say(f"{error}; what is there goes on serving")
        if not self._stopped:
            result(self._url)

    def _active_is_refused(self) -> bool:
        """Whether the version that should serve cannot be loaded: an earlier release wrote it, or it is damaged."""
        try:
            infos = self._core.recommender.reload() if self._core.recommender else ()
        except ServiceError:  # a service elsewhere; its versions are its own affair
            return False
        problem = next((info.problem for info in infos if info.problem), None)
        if problem is None or self._stopped:
            return False
        say(f"train: {problem}")
        self._training.enter_context(self._core.preparation.training())
        return True

    def _loaded_embedder(self) -> Embedder:
        if isinstance(self._embedder, LazyEmbedder) and not self._embedder.wait():
            raise ModelUnavailable(f"the embedding model is not available: {self._embedder.problem()}")
        return self._embedder

    def _train_in_child(self, progress: Both) -> None:
        url = store_settings(self._store).url
        command = [sys.executable, "-m", "marquee", "setup", "--only-train", "--store", url]
        with self._lock:
            if self._stopped:
                return
            self._child = child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={"OMP_NUM_THREADS": str(_threads_for_training()), **os.environ},
                start_new_session=True,  # Ctrl-C reaches this process, which ends the child in order
            )
        assert child.stdout is not None
        assert child.stderr is not None
        words = threading.Thread(target=repeat, args=(child.stderr,), daemon=True)
        words.start()
        with child:
            with suppress(EndedEarly):
                show(child.stdout, progress)
            words.join()
        if child.returncode == 0 and self._core.recommender is not None:
            self._core.recommender.reload()
        elif child.returncode and not self._stopped:
            say(f"train: ended with exit code {child.returncode}; what is there goes on serving")


def repeat(lines: Iterable[str]) -> None:
    """What the child says, said between the bars of this process."""
    for line in lines:
        say(line.rstrip())


def _threads_for_training() -> int:
    """Half of the cores, the others serve: threads that wait for one that does not get its core spin, and an epoch of
    BERT4Rec on two busy cores then takes twenty times as long."""
    return max(1, (os.cpu_count() or 1) // 2)


def end(child: subprocess.Popen[str]) -> None:
    """Ask, then insist."""
    child.terminate()
    try:
        child.wait(SECONDS_TO_STOP / 2)
    except subprocess.TimeoutExpired:
        child.kill()
