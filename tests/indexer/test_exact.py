"""The exact index agrees with a plain sort of cosines."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.exact import ExactIndex

RANDOM = np.random.default_rng(0)
IDS = [f"{n:03}" for n in range(200)]
VECTORS = (RANDOM.normal(size=(200, 8)) * RANDOM.uniform(0.01, 100, size=(200, 1))).astype(np.float32)


def cosines(query: np.ndarray) -> np.ndarray:
    exact = VECTORS.astype(np.float64)
    return (exact @ query) / np.linalg.norm(exact, axis=1) / np.linalg.norm(query)  # (N,)


def ids(found: list) -> list[str]:
    return [scored.id for scored in found]


@pytest.mark.parametrize("k", [1, 7, 199, 200, 500])
def test_the_k_nearest_of_several_queries_are_those_of_a_plain_sort(k: int) -> None:
    queries = RANDOM.normal(size=(3, 8))
    best = np.max([cosines(query) for query in queries], axis=0)
    order = np.argsort(-best)[:k]
    found = ExactIndex(IDS, VECTORS).nearest(queries, k)
    assert ids(found) == [IDS[row] for row in order]
    np.testing.assert_allclose([scored.score for scored in found], best[order], atol=2e-6)


def test_only_allowed_rows_come_and_k_of_them_while_there_are_k() -> None:
    index = ExactIndex(IDS, VECTORS)
    query = RANDOM.normal(size=(1, 8))
    allowed = np.zeros(200, bool)
    allowed[index.rows(["005", "nobody", "017", "150"])] = True
    assert sorted(ids(index.nearest(query, 10, allowed))) == ["005", "017", "150"]
    assert len(index.nearest(query, 2, allowed)) == 2
    assert index.nearest(query, 10, np.zeros(200, bool)) == []


def test_equal_vectors_tie_wherever_their_rows_lie() -> None:
    vector = RANDOM.normal(size=384).astype(np.float32)
    for count in (7, 33, 1001):
        index = ExactIndex([f"{n:04}" for n in reversed(range(count))], np.tile(vector, (count, 1)))
        found = index.nearest(RANDOM.normal(size=(1, 384)), 5)
        assert ids(found) == [f"{n:04}" for n in range(5)]
        assert len({scored.score for scored in found}) == 1


def test_a_changed_index_answers_as_one_made_anew_and_leaves_the_old_one_alone() -> None:
    old = ExactIndex(IDS[:150], VECTORS[:150])
    before = old.nearest(VECTORS[3][None], 20)
    new = old.changed({IDS[3]: None, IDS[4]: VECTORS[160], IDS[170]: VECTORS[170], "nobody": None})
    same = ExactIndex(
        [*IDS[:3], *IDS[4:150], IDS[170]],
        np.concatenate([VECTORS[:3], VECTORS[160:161], VECTORS[5:150], VECTORS[170:171]]),
    )
    for query in VECTORS[::40]:
        assert new.nearest(query[None], 20) == same.nearest(query[None], 20)
    assert old.nearest(VECTORS[3][None], 20) == before


def test_an_empty_index_and_queries_without_direction_find_nothing() -> None:
    empty = ExactIndex((), np.empty((0, 8), np.float32))
    assert empty.nearest(VECTORS[:1], 5) == []
    assert ids(empty.changed({"a": VECTORS[0]}).nearest(VECTORS[:1], 5)) == ["a"]
    assert ExactIndex(IDS, VECTORS).nearest(np.zeros((2, 8)), 5) == []
