"""An embedder that answers at once that it is not ready, while its model loads in a background thread.

Importing the model's libraries takes seconds; nothing else should wait for them. Used by the service and by
`marquee up`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import structlog

from embedding_generator.client import Embeddings
from embedding_generator.encoders import Encoder, load_encoder
from embedding_generator.engine import EmbeddingEngine
from embedding_generator.settings import EmbeddingSettings
from service_kit.errors import ModelUnavailable, ServiceError

_log = structlog.get_logger("marquee.embedding")


class LazyEmbedder:
    """Implements `Embedder`. Loading starts at once; ready means loaded and warmed up. A load that fails is final:
    every call says why, until the process is started again."""

    def __init__(self, load: Callable[[], EmbeddingEngine]) -> None:
        self._load = load
        self._engine: EmbeddingEngine | None = None
        self._failure: str | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._done = threading.Event()
        threading.Thread(target=self._run, name="embedding-load", daemon=True).start()

    def embed(self, texts: Sequence[str], *, bulk: bool = False) -> Embeddings:
        problem = self.problem()
        if self._engine is None or problem is not None:
            raise ModelUnavailable(f"the embedding model is not available: {problem}")
        return self._engine.embed(texts, bulk=bulk)

    @property
    def encoder(self) -> Encoder | None:
        return None if self._engine is None else self._engine.encoder

    @property
    def failed(self) -> bool:
        """Whether loading failed for good."""
        return self._failure is not None

    def problem(self) -> str | None:
        """Why no call can be answered now; None when calls can."""
        if self._failure is not None:
            return self._failure
        return "it is still loading" if self._engine is None else self._engine.problem()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until loading has ended, one way or the other; whether calls can be answered."""
        self._done.wait(timeout_s)
        return self.problem() is None

    def close(self) -> None:
        with self._lock:
            self._closed = True
            engine = self._engine
        if engine is not None:
            engine.close()

    def _run(self) -> None:
        try:
            engine = self._load()
            engine.warm_up()
        except ServiceError as error:
            self._failure = f"it could not be loaded: {error.detail}"
            _log.error("embedding model not loaded", reason=error.detail)
        except Exception as error:  # any: the thread's end would look like loading for ever
            self._failure = f"it could not be loaded ({type(error).__name__}: {error})"
            _log.exception("embedding model not loaded")
        else:
            self._take(engine)
        finally:
            self._done.set()

    def _take(self, engine: EmbeddingEngine) -> None:
        with self._lock:
            if not self._closed:
                self._engine = engine
                return
        engine.close()  # closed while it was loading


def load_engine(settings: EmbeddingSettings) -> EmbeddingEngine:
    """The engine that the settings ask for, now; takes seconds. Raises ModelUnavailable."""
    encoder = load_encoder(
        settings.embedding_model,
        settings.embedding_revision,
        settings.embedding_models_dir,
        device=settings.device,
        batch=settings.embedding_batch,
    )
    return EmbeddingEngine(encoder, settings)


def open_embedder(settings: EmbeddingSettings) -> LazyEmbedder:
    """The same, loading in the background."""
    return LazyEmbedder(lambda: load_engine(settings))
