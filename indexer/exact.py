"""Exact nearest neighbours by cosine: one float32 matrix, one product. For the SQLite store and for evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from indexer.types import Scored

_DECIMALS = 6  # float32 cosines of equal vectors differ beyond this, depending on where their rows lie


class ExactIndex:
    """Immutable, so that any number of threads may search one while the next is made from it.

    `ids` names the rows of `vectors` (N, D); rows need no length of 1, but none may be zero.
    """

    def __init__(self, ids: Sequence[str], vectors: np.ndarray) -> None:
        self.ids = tuple(ids)
        self.matrix = unit_rows(vectors)  # (N, D) float32
        self._row_of = {movie_id: row for row, movie_id in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, ids: Iterable[str]) -> np.ndarray:
        """(n,) int64 rows of those of the ids that are here."""
        found = (self._row_of.get(movie_id) for movie_id in ids)
        return np.fromiter((row for row in found if row is not None), np.int64)

    def nearest(self, queries: np.ndarray, k: int, allowed: np.ndarray | None = None) -> list[Scored]:
        """The k rows nearest to any of the queries (Q, D), best first, ties by id, each with its best cosine.

        `allowed` (N,) bool says which rows may come; fewer than k come only when fewer are allowed. Queries of zero
        length have no direction and are passed over.
        """
        queries = queries[queries.any(axis=1)]
        if k < 1 or not len(queries):
            return []
        scores = (self.matrix @ unit_rows(queries).T).max(axis=1)  # (N,)
        if allowed is None:
            rows = np.arange(len(self))
        else:
            rows = np.flatnonzero(allowed)
            scores = scores[rows]
        if len(rows) > k:
            edge = np.partition(scores, -k)[-k] - 10.0**-_DECIMALS
            best = scores >= edge  # the k best and what ties with the last of them
            rows, scores = rows[best], scores[best]
        cosines = np.round(scores.astype(np.float64), _DECIMALS).clip(-1, 1).tolist()
        found = [Scored(self.ids[row], cosine) for row, cosine in zip(rows.tolist(), cosines, strict=True)]
        return sorted(found, key=lambda scored: (-scored.score, scored.id))[:k]

    def changed(self, vectors: Mapping[str, np.ndarray | None]) -> ExactIndex:
        """A new index with these films' vectors put in, or taken out where there is None."""
        kept = np.delete(np.arange(len(self)), self.rows(vectors))  # (n,) rows
        added = {movie_id: vector for movie_id, vector in vectors.items() if vector is not None}
        index = ExactIndex((), self.matrix[:0])
        index.ids = (*(self.ids[row] for row in kept.tolist()), *added)
        index.matrix = np.empty((len(index.ids), self.matrix.shape[1]), np.float32)
        np.take(self.matrix, kept, axis=0, out=index.matrix[: len(kept)], mode="clip")  # clip: copied once, not twice
        for row, vector in enumerate(added.values(), start=len(kept)):
            index.matrix[row] = unit_rows(vector[None])[0]
        index._row_of = {movie_id: row for row, movie_id in enumerate(index.ids)}
        return index


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """The rows as float32 of length 1."""
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))  # (N,)
    units: np.ndarray = np.multiply(vectors, (1 / lengths)[:, None].astype(np.float32), dtype=np.float32)
    return units
