"""v1: one film, films like it, search."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from core_api import answers
from core_api.core import Core
from core_api.routes.bodies import BodyRoute
from core_api.routes.limits import at_most, each_at_most
from core_api.schemas import FromFilmQuery, QueryId, SearchQuery, SimilarQuery, WholeMovie
from core_api.wishes import Wish
from service_kit.auth import READ, WRITE


def routers(core: Core) -> list[APIRouter]:
    settings = core.settings
    read = APIRouter(prefix="/v1/movies", tags=["movies"], dependencies=[READ])
    write = APIRouter(prefix="/v1/movies", tags=["movies"], dependencies=[WRITE], route_class=BodyRoute)

    @read.get("", summary="Search by title as you type, by meaning, or both", response_model=answers.FoundMovies)
    def search(asked: Annotated[SearchQuery, Query()]) -> dict[str, Any]:
        at_most(settings.max_k, asked.k, "k")
        at_most(settings.max_query_chars, len(asked.q), "characters in q")
        where, unknown = core.genres.read(asked.where())
        found = core.search.find(asked.q, asked.mode, where, asked.k, asked.min_ratings)
        items = [answers.movie(film, score=score) for film, score in found.items]
        return {
            "items": items,
            "mode": found.mode,
            "fallback_reason": found.fallback_reason,
            "unknown_genres": list(unknown),
        }

    @read.get("/{id}", summary="One film", response_model=answers.WholeMovieAnswer)
    def get(id: QueryId) -> dict[str, Any]:
        return answers.whole_movie(core.catalogue.get(id))

    @read.get("/{id}/similar", summary="Films like this one", response_model=answers.SimilarMovies)
    def similar(id: QueryId, asked: Annotated[SimilarQuery, Query()]) -> dict[str, Any]:
        at_most(settings.max_k, asked.k, "k")
        each_at_most(settings.max_sequence, exclude=asked.exclude)
        where, unknown = core.genres.read(asked.where())
        wish = Wish(asked.k, where, asked.min_ratings, tuple(asked.exclude), diversity=asked.diversity)
        near = core.similar.to(id, wish)
        items = [answers.movie(film, score=score) for film, score in near.items]
        return {"items": items, "fallback_reason": near.fallback_reason, "unknown_genres": list(unknown)}

    @read.get(
        "/{id}/recommendations",
        summary="Which films next, from this one: of its genres, by keywords and predicted rating",
        response_model=answers.RecommendedFromFilm,
    )
    def from_film(id: QueryId, asked: Annotated[FromFilmQuery, Query()]) -> dict[str, Any]:
        at_most(settings.max_k, asked.k, "k")
        each_at_most(settings.max_sequence, exclude=asked.exclude)
        where, unknown = core.genres.read(asked.where())
        wish = Wish(asked.k, where, asked.min_ratings, tuple(asked.exclude))
        found = core.from_film.to(id, asked.user_id, wish)
        return {
            "items": [answers.movie(film, score=score) for film, score in found.items],
            "strategy": found.strategy,
            "models": list(found.models),
            "fallback_reason": found.fallback_reason,
            "history_length": found.history_length,
            "unknown_genres": list(unknown),
        }

    @write.put("/{id}", summary="Store a film in place of what was there", response_model=answers.StoredMovie)
    def put(id: QueryId, body: WholeMovie) -> dict[str, Any]:
        film, ready = core.catalogue.replace(id, body.change())
        return answers.whole_movie(film, vectors="ready" if ready else "pending")

    @write.delete("/{id}", summary="Take a film out of the catalogue; ratings of it stay", status_code=204)
    def delete(id: QueryId) -> None:
        core.catalogue.delete(id)

    about = APIRouter(prefix="/v1", tags=["movies"], dependencies=[READ])

    @about.get("/genres", summary="The genres of the catalogue", response_model=answers.Genres)
    def genres() -> dict[str, Any]:
        return {"genres": [{"name": name, "movies": films} for name, films in core.genres.counts().items()]}

    return [read, write, about]
