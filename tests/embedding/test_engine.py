"""The micro-batch queue: what goes through the model together, in which order, and what happens when it cannot."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest

from embedding_generator.client import Embeddings
from embedding_generator.engine import EmbeddingEngine
from service_kit.deadline import DeadlineExceeded, deadline
from service_kit.errors import InvalidRequest, ModelUnavailable, UpstreamUnavailable
from tests.support.hash_encoder import HashEncoder

MakeEngine = Callable[..., EmbeddingEngine]


class HeldEncoder(HashEncoder):
    """Stops in its first pass until it is let go, so that a test can say what waits meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.began = threading.Event()
        self.go = threading.Event()

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.began.set()
        assert self.go.wait(10)
        return super().encode(texts)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as threads:
        yield threads


@pytest.fixture
def held() -> Iterator[HeldEncoder]:
    encoder = HeldEncoder()
    yield encoder
    encoder.go.set()


def waiting(engine: EmbeddingEngine, count: int) -> None:
    """Wait until so many texts are queued."""
    until = time.monotonic() + 5
    while len(engine._interactive) + len(engine._bulk) < count:
        assert time.monotonic() < until
        time.sleep(0.001)


def test_requests_that_arrive_together_are_answered_in_one_pass(
    make_engine: MakeEngine, held: HeldEncoder, pool: ThreadPoolExecutor
) -> None:
    engine = make_engine(held)
    first = pool.submit(engine.embed, ["first"])
    held.began.wait(5)
    rest = [pool.submit(engine.embed, [f"film {n}"]) for n in range(20)]
    waiting(engine, 20)
    held.go.set()
    assert all(len(call.result(5).vectors) == 1 for call in [first, *rest])
    assert [len(batch) for batch in held.batches] == [1, 20]


def test_a_batch_holds_texts_of_like_length(make_engine: MakeEngine) -> None:
    encoder = HashEncoder()
    make_engine(encoder, embedding_batch=3).embed(["a b", "b c d e f g", "abcdefghijkl m", "b c d e f", "c", "d e f g"])
    assert [sorted(encoder.lengths(batch)) for batch in encoder.batches] == [[4, 5, 6], [1, 2, 2]]


def test_interactive_texts_go_before_bulk_ones_that_came_earlier(
    make_engine: MakeEngine, held: HeldEncoder, pool: ThreadPoolExecutor
) -> None:
    engine = make_engine(held, embedding_batch=4)
    bulk = pool.submit(engine.embed, [f"bulk {n}" for n in range(12)], bulk=True)
    held.began.wait(5)
    asked = pool.submit(engine.embed, ["asked by a person"])
    waiting(engine, 9)
    held.go.set()
    asked.result(5)
    bulk.result(5)
    assert held.batches[1] == ["asked by a person"]
    assert [len(batch) for batch in held.batches] == [4, 1, 4, 4]


def test_short_texts_are_not_passed_over_for_ever_by_longer_ones(
    make_engine: MakeEngine, pool: ThreadPoolExecutor
) -> None:
    class Asking(HashEncoder):  # while one text is in the model, a longer one comes
        def encode(self, texts: Sequence[str]) -> np.ndarray:
            if texts == ["heat (1995)"]:
                later.append(pool.submit(engine.embed, ["a longer one that came later"]))
                waiting(engine, 2)
            return super().encode(texts)

    later: list[Future[Embeddings]] = []
    encoder = Asking()
    engine = make_engine(encoder, embedding_batch=1)
    engine.embed(["up", "heat (1995)"])
    later[0].result(5)
    assert encoder.batches == [["heat (1995)"], ["up"], ["a longer one that came later"]]


@pytest.mark.parametrize("bulk", [False, True])
def test_a_full_queue_refuses_at_once_and_the_other_lane_is_open(
    make_engine: MakeEngine, held: HeldEncoder, pool: ThreadPoolExecutor, bulk: bool
) -> None:
    engine = make_engine(held, embedding_queue=3)
    under_way = pool.submit(engine.embed, ["under way"], bulk=bulk)
    held.began.wait(5)
    kept = pool.submit(engine.embed, ["1", "2", "3"], bulk=bulk)
    waiting(engine, 3)
    with pytest.raises(UpstreamUnavailable, match=r"queue is full \(3 texts wait\)"):
        engine.embed(["4"], bulk=bulk)
    other = pool.submit(engine.embed, ["other lane"], bulk=not bulk)
    held.go.set()
    assert [len(call.result(5).vectors) for call in (under_way, kept, other)] == [1, 3, 1]


def test_one_text_that_breaks_a_batch_hurts_no_other_call(
    make_engine: MakeEngine, held: HeldEncoder, pool: ThreadPoolExecutor
) -> None:
    engine = make_engine(held)
    first = pool.submit(engine.embed, ["first"])
    held.began.wait(5)
    good = pool.submit(engine.embed, ["good", "better"])
    bad = pool.submit(engine.embed, ["poison"])
    waiting(engine, 3)
    held.go.set()
    assert len(good.result(5).vectors) == 2
    assert len(first.result(5).vectors) == 1
    with pytest.raises(ModelUnavailable, match="RuntimeError"):
        bad.result(5)


def test_a_text_that_cannot_be_tokenised_hurts_no_other_call(
    make_engine: MakeEngine, held: HeldEncoder, pool: ThreadPoolExecutor
) -> None:
    def lengths(texts: Sequence[str]) -> list[int]:
        return [len(text.encode()) for text in texts]  # half a surrogate pair raises UnicodeEncodeError

    held.lengths = lengths  # type: ignore[method-assign]
    engine = make_engine(held)
    first = pool.submit(engine.embed, ["first"])
    held.began.wait(5)
    good, bad = pool.submit(engine.embed, ["good"]), pool.submit(engine.embed, ["\ud800"])
    waiting(engine, 2)
    held.go.set()
    assert [len(call.result(5).vectors) for call in (first, good)] == [1, 1]
    with pytest.raises(ModelUnavailable, match="UnicodeEncodeError"):
        bad.result(5)


def test_an_encoder_that_loses_a_row_answers_nobody_with_anothers(make_engine: MakeEngine) -> None:
    class Losing(HashEncoder):
        def encode(self, texts: Sequence[str]) -> np.ndarray:
            return super().encode(texts)[1:]

    with pytest.raises(ModelUnavailable, match="failed on a text of 4 characters"):
        make_engine(Losing()).embed(["Heat"])


def test_a_row_that_is_not_finite_is_no_answer(make_engine: MakeEngine) -> None:
    class Broken(HashEncoder):
        def _vector(self, text: str) -> np.ndarray:
            return super()._vector(text) * np.nan

    with pytest.raises(InvalidRequest, match="finds no direction for the text 'Heat'"):
        make_engine(Broken()).embed(["Heat"])


def test_a_caller_waits_no_longer_than_the_requests_deadline(make_engine: MakeEngine, held: HeldEncoder) -> None:
    engine = make_engine(held)
    started = time.monotonic()
    with deadline(0.1), pytest.raises(DeadlineExceeded, match="1 texts were not embedded"):
        engine.embed(["Heat"])
    assert time.monotonic() - started < 1


def test_work_that_nobody_waits_for_any_more_is_not_done(
    make_engine: MakeEngine, held: HeldEncoder, pool: ThreadPoolExecutor
) -> None:
    engine = make_engine(held, embedding_queue=2)
    first = pool.submit(engine.embed, ["first"])
    held.began.wait(5)
    with deadline(0.05), pytest.raises(DeadlineExceeded):
        engine.embed(["given up", "given up too"])
    last = pool.submit(engine.embed, ["wanted"])  # there is room although two texts are queued
    waiting(engine, 1)
    held.go.set()
    first.result(5)
    last.result(5)
    assert held.batches == [["first"], ["wanted"]]


def test_a_text_asked_again_comes_from_the_cache(make_engine: MakeEngine) -> None:
    encoder = HashEncoder()
    engine = make_engine(encoder)
    once = engine.embed(["Heat", "a b c d e f g h i"])
    again = engine.embed(["a b c d e f g h i", "Heat", "Up"])
    assert encoder.batches[1:] == [["Up"]]
    np.testing.assert_array_equal(again.vectors[:2], once.vectors[::-1])
    assert again.truncated == (True, False, False)
    assert again.tokens == 8 + 1 + 1


def test_bulk_texts_read_the_cache_but_do_not_fill_it(make_engine: MakeEngine) -> None:
    encoder = HashEncoder()
    engine = make_engine(encoder)
    engine.embed(["asked"])
    engine.embed(["asked", "loaded"], bulk=True)
    engine.embed(["loaded"])
    assert encoder.batches == [["asked"], ["loaded"], ["loaded"]]


def test_without_a_cache_every_text_is_embedded(make_engine: MakeEngine) -> None:
    encoder = HashEncoder()
    engine = make_engine(encoder, embedding_cache_mb=0)
    engine.embed(["Heat"])
    engine.embed(["Heat"])
    assert encoder.batches == [["Heat"], ["Heat"]]


def test_closing_tells_those_who_wait(make_engine: MakeEngine, held: HeldEncoder, pool: ThreadPoolExecutor) -> None:
    engine = make_engine(held)
    first = pool.submit(engine.embed, ["first"])
    held.began.wait(5)
    second = pool.submit(engine.embed, ["second"])
    waiting(engine, 1)
    closing = pool.submit(engine.close)
    while engine.problem() is None:
        time.sleep(0.001)
    held.go.set()
    closing.result(5)
    assert len(first.result(5).vectors) == 1  # the pass under way is finished
    with pytest.raises(ModelUnavailable, match="shutting down"):
        second.result(5)
    with pytest.raises(ModelUnavailable, match="shutting down"):
        engine.embed(["third"])


def test_many_threads_get_the_vectors_of_their_own_texts(make_engine: MakeEngine, pool: ThreadPoolExecutor) -> None:
    engine, alone = make_engine(embedding_batch=7), HashEncoder()
    texts = [[f"film {n} {m}" for m in range(n % 5)] for n in range(200)]
    for asked, got in zip(texts, pool.map(engine.embed, texts), strict=True):
        expected = alone.encode(asked)
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(got.vectors, expected, atol=1e-6)
