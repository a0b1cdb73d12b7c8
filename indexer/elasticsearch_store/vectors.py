"""The vectors in `vector_index`: searched by kNN inside Elasticsearch, the filter within the search.

A rebuild writes a hidden index; the alias moves to it in one step.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from elasticsearch import BadRequestError

from indexer.batches import batches
from indexer.checks import space_problem, vector_problem
from indexer.elasticsearch_store.indices import PACKED
from indexer.elasticsearch_store.neighbours import nearest
from indexer.elasticsearch_store.reading import by_id, scan, total
from indexer.elasticsearch_store.settling import settle, settle_hidden
from indexer.elasticsearch_store.writing import Action, Writer
from indexer.types import EVERYTHING, Failure, MovieFilter, MovieVector, Scored, VectorSpace, WriteReport
from service_kit.errors import InvalidRequest, VectorSpaceMismatch

VECTORS_A_BATCH = 500
_FIELD = "movie_embeddings"
_DECIMALS = 9  # of numbers below 1 that float32 knows to 7 digits: half the bytes, the same vector


class ElasticsearchVectors:
    """The vectors behind the alias or, for a rebuild, those of one `hidden` index of a given space."""

    def __init__(self, writer: Writer, hidden: str | None = None) -> None:
        self._writer = writer
        self._client = writer.client
        self._indices = writer.indices
        self._names = writer.names
        self._hidden = hidden
        self._index = hidden or writer.names.vectors

    def space(self) -> VectorSpace | None:
        return self._indices.vector_space(self._index)

    def create(self, space: VectorSpace) -> None:
        self._indices.ensure()
        if (present := self.space()) is None:
            self._indices.create_vectors(space, total(self._client, self._names.movies))
            present = self.space()
        if present is not None and (problem := space_problem(present, space)):
            raise VectorSpaceMismatch(problem)

    def put(self, vectors: Iterable[MovieVector]) -> WriteReport:
        self._indices.ensure()
        space = self.space()
        if space is None:
            raise VectorSpaceMismatch("The store has no vector space yet: create one before putting vectors.")
        written = 0
        failures: list[Failure] = []
        for batch in batches(vectors, VECTORS_A_BATCH):
            refused = self._put(batch, space)
            written += len(batch) - len(refused)
            failures += refused
        self._writer.refresh(self._index, self._names.movies)
        return WriteReport(written, tuple(failures))

    def get(self, ids: Sequence[str]) -> dict[str, np.ndarray]:
        hits = by_id(self._client, self._index, ids, source_includes=[PACKED])
        found = {movie_id: _unpacked(hit["_source"]) for movie_id, hit in hits.items() if PACKED in hit["_source"]}
        if len(found) < len(hits):  # written before vectors were kept packed as well: read as they are searched
            # A list of numbers leaves Elasticsearch only when it is named: since 9.2 `_source` comes without.
            older = by_id(self._client, self._index, hits.keys() - found.keys(), source_includes=[_FIELD])
            found.update((movie_id, np.asarray(hit["_source"][_FIELD], np.float32)) for movie_id, hit in older.items())
        return found

    def nearest(
        self, queries: np.ndarray, k: int, where: MovieFilter = EVERYTHING, exclude: Iterable[str] = ()
    ) -> list[Scored]:
        queries = np.asarray(queries, np.float32)
        if queries.ndim != 2:
            raise VectorSpaceMismatch(f"Query vectors are rows of a matrix, these have shape {queries.shape}.")
        if not np.isfinite(queries).all():
            raise InvalidRequest("A query vector is not finite.")
        queries = queries[queries.any(axis=1)]  # (Q, D); one of zero length has no direction
        if k < 1 or not len(queries):
            return []
        try:
            return nearest(self._client, self._index, _FIELD, queries, k, where, set(exclude))
        except BadRequestError:
            space = self.space()
            if space is None or space.dimension == queries.shape[1]:
                raise
            raise VectorSpaceMismatch(
                f"The store keeps vectors of {space.dimension} numbers, the queries have shape {queries.shape}."
            ) from None

    @contextmanager
    def rebuild(self, space: VectorSpace) -> Iterator[ElasticsearchVectors]:
        self._indices.ensure()
        films = total(self._client, self._names.movies)
        with self._indices.hidden_vectors(space, films) as index:
            yield ElasticsearchVectors(self._writer, hidden=index)
            for ids in self._film_ids(index):  # what changed since it was put
                settle_hidden(self._writer, index, ids)
            self._writer.refresh(index)
            retired = self._indices.swap_vectors(index)
        for ids in self._film_ids(self._index):  # what changed meanwhile, and what the new one lacks
            settle(self._writer, ids)
        self._writer.refresh(self._index, self._names.movies)
        if retired is not None:
            self._indices.retire(retired)

    def scan(self) -> Iterator[MovieVector]:
        fields = ["movie_id", "text_hash", PACKED]
        documents = scan(self._client, self._index, "movie_id", page=VECTORS_A_BATCH, source=fields)
        for some in batches(documents, VECTORS_A_BATCH):
            older = self.get([source["movie_id"] for source in some if PACKED not in source])
            for source in some:
                movie_id = source["movie_id"]
                vector = _unpacked(source) if PACKED in source else older.get(movie_id)
                if vector is not None:
                    yield MovieVector(movie_id, vector, source["text_hash"])

    def count(self) -> int:
        return total(self._client, self._index)

    def _put(self, batch: Sequence[MovieVector], space: VectorSpace) -> list[Failure]:
        refused: list[Failure] = []
        films = by_id(self._client, self._names.movies, [item.movie_id for item in batch], source=["genres", "year"])
        actions: list[Action] = []
        for item in batch:
            vector = np.asarray(item.vector, np.float32)
            film = films.get(item.movie_id)
            if problem := vector_problem(vector, space.dimension) or ("" if film else "there is no such film"):
                refused.append(Failure(item.movie_id, problem))
            elif film:
                actions.append(self._action(item, vector, film["_source"]))
        while True:
            index = self._hidden or self._indices.behind(self._index)
            outcome = self._writer.bulk(actions, through_alias=self._hidden is None)
            if self._hidden:
                break
            settle(self._writer, outcome.written)
            if self._indices.behind(self._index) == index:
                break  # else a rebuild has swapped the index meanwhile: put them into the new one too
        return refused + outcome.failures

    def _action(self, item: MovieVector, vector: np.ndarray, film: dict[str, Any]) -> Action:
        rounded = vector.astype(np.float64).round(_DECIMALS)  # (D,)
        return {
            "_index": self._index,
            "_id": item.movie_id,
            "_source": {
                "movie_id": item.movie_id,
                _FIELD: rounded.tolist(),  # 9.2 refuses the packed form
                PACKED: base64.b64encode(rounded.astype("<f4").tobytes()).decode(),
                "text_hash": item.text_hash,
                "genres": film["genres"],
                "year": film["year"],
            },
        }

    def _film_ids(self, vectors: str) -> Iterator[list[str]]:
        """All ids that have a film or a vector here, in batches."""
        for index in (self._names.movies, vectors):
            documents = scan(self._client, index, "movie_id", page=VECTORS_A_BATCH * 2, source=["movie_id"])
            yield from batches((source["movie_id"] for source in documents), VECTORS_A_BATCH * 2)


def _unpacked(source: Any) -> np.ndarray:
    return np.frombuffer(base64.b64decode(source[PACKED]), "<f4").astype(np.float32, copy=False)  # (D,)
