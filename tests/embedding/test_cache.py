"""The cache is bounded in bytes, forgets what was not asked for longest, and never mixes models."""

import numpy as np

from embedding_generator.cache import Row, VectorCache


def row(value: float) -> Row:
    return Row(np.full(100, value, np.float32), 1, False)


def test_rows_of_different_models_never_meet() -> None:
    cache = VectorCache(10_000)
    cache.put("a@1", "Heat", row(1.0))
    assert cache.get("a@1", "Heat") is not None
    assert cache.get("a@2", "Heat") is None


def test_the_least_recently_used_row_goes_when_the_bytes_are_used_up() -> None:
    cache = VectorCache(3 * 850)  # a row takes some 800 bytes
    for text in "abc":
        cache.put("m", text, row(1.0))
    cache.get("m", "a")
    cache.put("m", "d", row(1.0))
    assert [text for text in "abcd" if cache.get("m", text) is not None] == ["a", "c", "d"]


def test_the_number_of_rows_stays_bounded_whatever_comes() -> None:
    cache = VectorCache(50_000)
    for n in range(1000):
        cache.put("m", f"text {n}", row(n))
    assert 0 < len(cache) < 65


def test_a_row_put_twice_counts_once() -> None:
    cache = VectorCache(3 * 850)
    for _ in range(10):
        cache.put("m", "a", row(1.0))
    cache.put("m", "b", row(2.0))
    assert len(cache) == 2


def test_a_text_larger_than_the_cache_is_not_kept() -> None:
    cache = VectorCache(2_000)
    cache.put("m", "small", row(1.0))
    cache.put("m", "x" * 10_000, row(2.0))
    assert len(cache) == 1
