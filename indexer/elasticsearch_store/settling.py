"""Keeps films and their vectors in step although they lie in two indices that no transaction spans.

What must hold of a film and its vector: the vector carries the film's genres and year (kNN filters on them), the film
says `vector_pending` unless the vector was made from its present text, and no vector outlives its film. Whoever wrote
either of them calls `settle`, which repairs until a look at both finds nothing to repair. So whatever order writers
come in, the last one leaves them in step; each repair fails rather than overwrite something that it has not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from elasticsearch import Elasticsearch

from indexer.batches import batches
from indexer.elasticsearch_store.reading import IDS_A_CALL, Document, by_id
from indexer.elasticsearch_store.writing import MOST_ATTEMPTS, Action, Writer, guarded
from service_kit.errors import StoreUnavailable

_FILTERED = ("genres", "year")


def settle(writer: Writer, ids: Sequence[str]) -> None:
    """Bring these films and their vectors in step. The caller refreshes both indices."""
    _repeat(writer, writer.names.vectors, ids, hidden=False)


def settle_hidden(writer: Writer, hidden: str, ids: Sequence[str]) -> None:
    """The same for the vectors of a rebuild; what the films say stays, since it is about the present vectors."""
    _repeat(writer, hidden, ids, hidden=True)


def _repeat(writer: Writer, vectors: str, ids: Sequence[str], *, hidden: bool) -> None:
    for batch in batches(ids, IDS_A_CALL):
        waiting: Sequence[str] = batch
        for _ in range(MOST_ATTEMPTS):
            actions = list(_look(writer.client, writer.names.movies, vectors, waiting, hidden))
            if not actions:
                break
            writer.bulk(actions, through_alias=not hidden)
            waiting = sorted({action["_id"] for action in actions})
        else:
            raise StoreUnavailable(f"Others kept changing film {waiting[0]!r} at the same time: try again.")


def _look(client: Elasticsearch, movies: str, vectors: str, ids: Iterable[str], hidden: bool) -> Iterator[Action]:
    ids = list(ids)
    films = by_id(client, movies, ids, source_includes=[*_FILTERED, "text_hash", "vector_pending"])
    theirs = by_id(client, vectors, ids, source_includes=[*_FILTERED, "text_hash"])
    for movie_id in ids:
        film, vector = films.get(movie_id), theirs.get(movie_id)
        if vector is not None:
            yield from _repair_vector(film, vector, vectors)
        if film is not None and not hidden:
            yield from _repair_film(film, vector, movies)


def _repair_vector(film: Document | None, vector: Document, index: str) -> Iterator[Action]:
    target = {"_index": index, "_id": vector["_id"], **guarded(vector)}
    if film is None:
        yield {**target, "_op_type": "delete"}
        return
    wanted = {name: film["_source"].get(name) for name in _FILTERED}
    if wanted != {name: vector["_source"].get(name) for name in _FILTERED}:
        yield {**target, "_op_type": "update", "doc": wanted}


def _repair_film(film: Document, vector: Document | None, index: str) -> Iterator[Action]:
    pending = vector is None or vector["_source"]["text_hash"] != film["_source"]["text_hash"]
    if film["_source"]["vector_pending"] != pending:
        target = {"_index": index, "_id": film["_id"], **guarded(film)}
        yield {**target, "_op_type": "update", "doc": {"vector_pending": pending}}
