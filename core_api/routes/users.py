"""v1: a user's ratings, one by one; and being forgotten."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from core_api import answers
from core_api.core import Core
from core_api.pages import page
from core_api.routes.bodies import BodyRoute
from core_api.routes.limits import at_most
from core_api.schemas import OneRating, PageQuery, QueryId
from service_kit.auth import READ, WRITE


def routers(core: Core) -> list[APIRouter]:
    settings = core.settings
    read = APIRouter(prefix="/v1/users/{id}", tags=["users"], dependencies=[READ])
    write = APIRouter(prefix="/v1/users/{id}", tags=["users"], dependencies=[WRITE], route_class=BodyRoute)

    @read.get("/ratings", summary="The user's ratings, newest first, in pages", response_model=answers.RatingsPage)
    def ratings(id: QueryId, asked: Annotated[PageQuery, Query()]) -> dict[str, Any]:
        at_most(settings.max_page, asked.limit, "limit")
        history = core.ratings.history(id)
        shown = page(history, asked.limit, asked.cursor)
        films = core.catalogue.titles([rating.movie_id for rating in shown.ratings])
        return {
            "items": [answers.rating(rating, films.get(rating.movie_id)) for rating in shown.ratings],
            "total": len(history),
            "next": shown.cursor,
        }

    @write.put("/ratings/{movie}", summary="Rate one film, now", response_model=answers.RatingAnswer)
    def rate(id: QueryId, movie: QueryId, body: OneRating) -> dict[str, Any]:
        rating = core.ratings.put(id, movie, body.rating)
        return answers.rating(rating, core.catalogue.titles([movie]).get(movie))

    @write.delete("/ratings/{movie}", summary="Take a rating back", status_code=204)
    def unrate(id: QueryId, movie: QueryId) -> None:
        core.ratings.remove(id, movie)

    @write.delete("", summary="Forget the user: ratings and attributes", status_code=204)
    def forget(id: QueryId) -> None:
        core.ratings.forget(id)

    return [read, write]
