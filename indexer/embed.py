"""Gives films their vectors: those that have none, some by id, or all anew in another space.

Reads and writes through the ports, in batches; what was written before a failure stays written, the rest stays
pending. A text that the embedder refuses costs its own film the vector, and no other. Called by `marquee embed`,
`marquee up` and, with ids, after `POST /update_movie`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from embedding_generator.client import Embedder, Embeddings
from indexer.batches import batches
from indexer.ports import Stores, VectorStore
from indexer.text import TEXT_RECIPE, movie_text, text_hash
from indexer.types import Failure, Movie, MovieVector, VectorSpace, WriteReport
from service_kit.errors import InvalidRequest, VectorSpaceMismatch
from service_kit.progress import Advance, NoProgress, Progress

BATCH = 256
_RESCANS = 3  # films keep changing while a long rebuild runs; what changes after the last look stays pending


def embed_pending(
    stores: Stores,
    embedder: Embedder,
    *,
    batch: int = BATCH,
    ids: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> WriteReport:
    """Embed the films that are pending, or those of `ids`, at interactive priority.

    Makes the vector space if there is none. A film whose text is refused is a failure of the report and stays pending.
    Raises what else the embedder raises (`UpstreamUnavailable`, `ModelUnavailable`), and `VectorSpaceMismatch` when
    its model is not the one of the stored vectors; films not yet embedded then stay pending.
    """
    films = list(stores.movies.pending() if ids is None else stores.movies.get(ids).values())
    reports: list[WriteReport] = []

    def put(some: Sequence[Movie], embeddings: Embeddings) -> WriteReport:
        stores.vectors.create(_space(embeddings))
        return _put(stores.vectors, some, embeddings)

    with (progress or NoProgress()).task("embedding movies", len(films)) as advance:
        for some in batches(films, batch):
            reports += _embed(embedder, some, put, advance, bulk=ids is None)
    return _total(stores, reports)


def rebuild_vectors(
    stores: Stores, embedder: Embedder, *, batch: int = BATCH, progress: Progress | None = None
) -> WriteReport:
    """Embed all films with the embedder's model into a new space, then let it take the old one's place.

    The old vectors answer until then and stay if anything fails. Films written meanwhile are looked for before the
    swap and after it; a film whose text changes even later is pending.
    """
    space = _space(embedder.embed([], bulk=True))
    reports: list[WriteReport] = []
    done: dict[str, str] = {}  # movie id -> hash of the text that was embedded
    with (progress or NoProgress()).task("embedding movies", stores.movies.count()) as advance:
        with stores.vectors.rebuild(space) as hidden:

            def put(some: Sequence[Movie], embeddings: Embeddings) -> WriteReport:
                if _space(embeddings) != space:
                    raise VectorSpaceMismatch(
                        f"The embedder changed its model from {space.model} to {embeddings.model} during the rebuild: "
                        "run it again."
                    )
                return _put(hidden, some, embeddings)

            for _ in range(_RESCANS):
                before = len(reports)
                for some in batches(_changed(stores.movies.scan(), done), batch):
                    reports += _embed(embedder, some, put, advance, bulk=True)
                    done.update((movie.id, text_hash(movie)) for movie in some)
                if len(reports) == before:
                    break
        reports.append(embed_pending(stores, embedder, batch=batch))
    return _total(stores, reports)


def _embed(
    embedder: Embedder,
    movies: Sequence[Movie],
    put: Callable[[Sequence[Movie], Embeddings], WriteReport],
    advance: Advance,
    *,
    bulk: bool,
) -> Iterator[WriteReport]:
    """In one call, which takes all texts or none; where one of them is refused, in halves until it is found."""
    try:
        embeddings = embedder.embed([movie_text(movie) for movie in movies], bulk=bulk)
    except InvalidRequest as error:
        half = len(movies) // 2
        if half:
            for part in (movies[:half], movies[half:]):
                yield from _embed(embedder, part, put, advance, bulk=bulk)
            return
        report = WriteReport(failures=(Failure(movies[0].id, error.detail),))
    else:
        report = put(movies, embeddings)
    advance(len(movies))
    yield report


def _put(vectors: VectorStore, movies: Sequence[Movie], embeddings: Embeddings) -> WriteReport:
    return vectors.put(
        MovieVector(movie.id, vector, text_hash(movie))
        for movie, vector in zip(movies, embeddings.vectors, strict=True)
    )


def _space(embeddings: Embeddings) -> VectorSpace:
    return VectorSpace(embeddings.model, embeddings.vectors.shape[1], TEXT_RECIPE)


def _changed(movies: Iterable[Movie], done: dict[str, str]) -> Iterator[Movie]:
    return (movie for movie in movies if done.get(movie.id) != text_hash(movie))


def _total(stores: Stores, reports: Sequence[WriteReport]) -> WriteReport:
    """The sum of the reports, each film that failed once; one that was deleted while it was embedded is no failure."""
    failures = {failure.id: failure for report in reports for failure in report.failures}
    there = stores.movies.get(list(failures))
    return WriteReport(
        sum(report.written for report in reports),
        tuple(failures[movie_id] for movie_id in failures if movie_id in there),
    )
