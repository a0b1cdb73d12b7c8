"""Write and read films. A written film gets its vector in the same call where the embedder answers, else later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import structlog

from embedding_generator.client import Embedder
from indexer.embed import embed_pending
from indexer.folding import year_of
from indexer.ports import Stores
from indexer.types import Movie
from service_kit.errors import InvalidRequest, ModelUnavailable, NotFound, UpstreamUnavailable, VectorSpaceMismatch

_log = structlog.get_logger("marquee.core")


@dataclass(frozen=True, slots=True)
class MovieChange:
    """What is to be known of a film from now on; None leaves it as it is."""

    title: str | None = None
    genres: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    year: int | None = None
    imdb_id: str | None = None
    tmdb_id: str | None = None
    keywords: tuple[str, ...] | None = None
    cast: tuple[str, ...] | None = None
    director: tuple[str, ...] | None = None
    overview: str | None = None


class Catalogue:
    def __init__(
        self, stores: Stores, embedder: Embedder | None, on_pending: Callable[[], None] = lambda: None
    ) -> None:
        """`on_pending` is called when films were stored without their vectors, so that somebody completes them."""
        self._stores = stores
        self._embedder = embedder
        self._on_pending = on_pending

    def get(self, movie_id: str) -> Movie:
        found = self._stores.movies.get([movie_id])
        if movie_id not in found:
            raise NotFound(f"film {movie_id} is not in the catalogue")
        return found[movie_id]

    def titles(self, ids: Sequence[str]) -> dict[str, Movie]:
        return self._stores.movies.get(ids)

    def update(self, changes: Mapping[str, MovieChange]) -> bool:
        """Change known films, add new ones (they need a title); whether all have their vectors now.

        Checked whole before the first write.
        """
        known = self._stores.movies.get(list(changes))
        return self._write([_changed(movie_id, change, known.get(movie_id)) for movie_id, change in changes.items()])

    def replace(self, movie_id: str, film: MovieChange) -> tuple[Movie, bool]:
        """Store this film in place of what was there; whether it has its vector now."""
        whole = _changed(movie_id, film, None)
        return whole, self._write([whole])

    def delete(self, movie_id: str) -> None:
        """Take the film and its vector away. Ratings of it stay in the histories."""
        if not self._stores.movies.delete([movie_id]):
            raise NotFound(f"film {movie_id} is not in the catalogue")

    def _write(self, movies: Sequence[Movie]) -> bool:
        report = self._stores.movies.put(movies)
        if report.failures:
            failed = report.failures[0]
            raise InvalidRequest(f"film {failed.id} was not stored: {failed.reason}")
        ready = not movies or self._embed([movie.id for movie in movies])
        if not ready:
            self._on_pending()
        return ready

    def _embed(self, ids: Sequence[str]) -> bool:
        if self._embedder is None:
            return False
        try:
            report = embed_pending(self._stores, self._embedder, ids=ids)
        except (UpstreamUnavailable, ModelUnavailable, VectorSpaceMismatch, InvalidRequest) as error:
            _log.warning("vectors are pending", films=len(ids), reason=error.detail)
            return False
        return not report.failures


def _changed(movie_id: str, change: MovieChange, known: Movie | None) -> Movie:
    """The film after the change. The year follows a new title unless it is given."""
    title = change.title if change.title is not None else known.title if known else None
    if title is None:
        raise InvalidRequest(f"film {movie_id} is new: give it a title")
    year = known.year if known and change.title is None else year_of(title)
    given = {name: value for name, value in asdict(change).items() if value is not None}
    return replace(known or Movie(movie_id, title), **{"year": year, **given})
