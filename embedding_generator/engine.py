"""The embedder in the process: a micro-batch queue in front of one encoder, and a cache.

Texts of all callers wait in two lanes, interactive and bulk. One worker thread takes a batch at a time, from the
interactive lane while there is anything in it, so that whatever arrived during a pass goes through the model
together. Used by the embedding service, and by `marquee` where everything runs in one process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import structlog

from embedding_generator.cache import Row, VectorCache
from embedding_generator.client import Embeddings
from embedding_generator.encoders import Encoder
from embedding_generator.settings import EmbeddingSettings
from service_kit.deadline import DeadlineExceeded, remaining
from service_kit.errors import InvalidRequest, ModelUnavailable, ServiceError, UpstreamUnavailable

_SLICE = 1024  # texts of one call that are queued at once: enough to sort by length, few enough to leave room
_SHORTEST = 1e-12  # a row of less than this length has no direction

T = TypeVar("T")

_log = structlog.get_logger("marquee.embedding")


class EmbeddingEngine:
    """Implements `Embedder`. Safe to call from any number of threads; `close` when done."""

    def __init__(self, encoder: Encoder, settings: EmbeddingSettings) -> None:
        self._encoder = encoder
        self._settings = settings
        self._cache = VectorCache(self._settings.embedding_cache_mb * 1024 * 1024)
        self._interactive = _Lane(self._settings.embedding_queue)
        self._bulk = _Lane(self._settings.embedding_queue)
        self._changed = threading.Condition()
        self._closed = False
        self._worker = threading.Thread(target=self._work, name="embedding", daemon=True)
        self._worker.start()

    @property
    def encoder(self) -> Encoder:
        return self._encoder

    def embed(self, texts: Sequence[str], *, bulk: bool = False) -> Embeddings:
        rows: dict[str, Row] = {}
        distinct = list(dict.fromkeys(texts))
        for start in range(0, len(distinct), _SLICE):
            rows.update(self._rows(distinct[start : start + _SLICE], bulk))
        vectors = np.empty((len(texts), self._encoder.dimension), np.float32)  # (N, D)
        for place, text in enumerate(texts):
            vectors[place] = rows[text].vector
        return Embeddings(
            self._encoder.model,
            vectors,
            tuple(rows[text].truncated for text in texts),
            sum(rows[text].tokens for text in texts),
        )

    def warm_up(self) -> None:
        """One pass through the model, so that the first caller does not pay for what is set up lazily."""
        self.embed(["warm-up"], bulk=True)

    def problem(self) -> str | None:
        """Why no call can be answered; None when calls can."""
        return "it is shutting down" if self._closed else None

    def close(self) -> None:
        """Finish the pass under way; whoever still waits gets ModelUnavailable."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._worker.join()

    def _rows(self, texts: Sequence[str], bulk: bool) -> dict[str, Row]:
        known = ((text, self._cache.get(self._encoder.model, text)) for text in texts)
        rows = {text: row for text, row in known if row is not None}
        missing = [text for text in texts if text not in rows]
        if not missing:
            return rows
        limit = self._settings.embedding_bulk_timeout_s if bulk else self._settings.embedding_timeout_s
        seconds = remaining(limit)
        call = _Call(len(missing))
        self._submit([_Ticket(text, call) for text in missing], bulk)
        if not call.finished.wait(seconds):
            call.abandoned = True
            raise DeadlineExceeded(f"{len(missing)} texts were not embedded within {seconds:.2g} s: try again")
        if call.error is not None:
            raise type(call.error)(call.error.detail)  # callers in one pass may share the error, not its traceback
        if not bulk:  # a bulk run would push out what people ask again, for texts that the store keeps vectors of
            for text, row in call.rows.items():
                self._cache.put(self._encoder.model, text, row)
        return rows | call.rows

    def _submit(self, tickets: Sequence[_Ticket], bulk: bool) -> None:
        with self._changed:
            if self._closed:
                raise ModelUnavailable("the embedding engine is shutting down")
            (self._bulk if bulk else self._interactive).add(tickets)
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._interactive or self._bulk)
                if self._closed:
                    self._dismiss([*self._interactive.drain(), *self._bulk.drain()])
                    return
                lane = self._interactive or self._bulk
                arrived = lane.begin_round()
            self._measure(arrived)
            with self._changed:
                batch = lane.take(self._settings.embedding_batch)
            self._answer([ticket for ticket in batch if ticket.call.waits])

    def _dismiss(self, tickets: Iterable[_Ticket]) -> None:
        for ticket in tickets:
            ticket.call.fail(ModelUnavailable("the embedding engine is shutting down"))

    def _measure(self, tickets: Sequence[_Ticket]) -> None:
        """In tokens: batches by characters pad a quarter more."""
        lengths = self._tried(self._encoder.lengths, [ticket.text for ticket in tickets])
        for ticket, length in zip(tickets, lengths, strict=True):
            if isinstance(length, ServiceError):
                ticket.call.fail(length)
            else:
                ticket.length = length

    def _answer(self, tickets: Sequence[_Ticket]) -> None:
        lengths = {ticket.text: ticket.length for ticket in tickets}
        vectors = self._tried(self._encoder.encode, list(lengths))
        answers = {
            text: vector if isinstance(vector, ServiceError) else self._row(text, vector, length)
            for (text, length), vector in zip(lengths.items(), vectors, strict=True)
        }
        for ticket in tickets:
            answer = answers[ticket.text]
            if isinstance(answer, ServiceError):
                ticket.call.fail(answer)
            else:
                ticket.call.answer(ticket.text, answer)

    def _tried(self, work: Callable[[Sequence[str]], Iterable[T]], texts: Sequence[str]) -> list[T | ServiceError]:
        """A result or an error for each text. A batch that fails is tried text by text, so that one hurts no other."""
        if not texts:
            return []
        try:
            results: list[T | ServiceError] = list(work(texts))
            if len(results) != len(texts):
                raise ValueError(f"{len(results)} results for {len(texts)} texts")
        except Exception as error:  # any: a worker that dies would leave every caller waiting; theirs is the error
            if len(texts) > 1:
                return [self._tried(work, [text])[0] for text in texts]
            _log.exception("a text could not be embedded", model=self._encoder.model, characters=len(texts[0]))
            return [
                ModelUnavailable(
                    f"{self._encoder.model} failed on a text of {len(texts[0])} characters ({type(error).__name__})"
                )
            ]
        return results

    def _row(self, text: str, vector: np.ndarray, length: int) -> Row | ServiceError:
        norm = float(np.linalg.norm(vector))
        if not (np.isfinite(norm) and norm > _SHORTEST):
            return InvalidRequest(f"{self._encoder.model} finds no direction for the text {text[:60]!r}")
        read = min(length, self._encoder.max_tokens or length)
        return Row(np.asarray(vector / norm, np.float32), tokens=read, truncated=length > read)


@dataclass(slots=True, eq=False)
class _Call:
    """What one caller waits for. Only the worker writes to it, but for `abandoned`."""

    missing: int
    rows: dict[str, Row] = field(default_factory=dict)
    error: ServiceError | None = None
    abandoned: bool = False
    finished: threading.Event = field(default_factory=threading.Event)

    @property
    def waits(self) -> bool:
        return not (self.abandoned or self.finished.is_set())

    def answer(self, text: str, row: Row) -> None:
        self.rows[text] = row
        if len(self.rows) == self.missing:
            self.finished.set()

    def fail(self, error: ServiceError) -> None:
        self.error = error
        self.finished.set()


@dataclass(slots=True, eq=False)
class _Ticket:
    text: str
    call: _Call
    length: int = 0  # tokens, once measured


class _Lane:
    """Texts that wait. Those that came together are taken longest first, so that a batch pads little; what comes
    later waits for the next round, so that no text waits for ever."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._arrived: list[_Ticket] = []
        self._round: list[_Ticket] = []

    def __len__(self) -> int:
        return len(self._arrived) + len(self._round)

    def add(self, tickets: Sequence[_Ticket]) -> None:
        if len(self) + len(tickets) > self._limit:
            self._forget_abandoned()
        if len(self) + len(tickets) > self._limit:
            raise UpstreamUnavailable(f"the embedding queue is full ({len(self)} texts wait): try again later")
        self._arrived.extend(tickets)

    def begin_round(self) -> list[_Ticket]:
        """The texts of a new round, to be measured; none while a round is under way."""
        if self._round:
            return []
        self._round, self._arrived = self._arrived, []
        return self._round

    def take(self, n: int) -> list[_Ticket]:
        self._round.sort(key=lambda ticket: ticket.length)
        taken = self._round[-n:]
        del self._round[-n:]
        return taken

    def drain(self) -> list[_Ticket]:
        left = [*self._arrived, *self._round]
        self._arrived, self._round = [], []
        return left

    def _forget_abandoned(self) -> None:
        self._arrived = [ticket for ticket in self._arrived if ticket.call.waits]
        self._round = [ticket for ticket in self._round if ticket.call.waits]
