"""v1: recommendations for a user, for a typed-in sequence, for a group; with filters, and how they were ranked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from core_api import answers
from core_api.core import Core
from core_api.routes.bodies import BodyRoute
from core_api.routes.limits import at_most, each_at_most
from core_api.schemas import AskedInBody, AskedInQuery, QueryId
from core_api.shown import cursor_of
from core_api.wishes import Answer, Wish
from service_kit.auth import READ


def routers(core: Core) -> list[APIRouter]:
    settings = core.settings
    read = APIRouter(prefix="/v1", tags=["recommendations"], dependencies=[READ], route_class=BodyRoute)

    def check(asked: AskedInQuery | AskedInBody) -> None:
        at_most(settings.max_k, asked.k, "k")
        each_at_most(settings.max_sequence, exclude=asked.exclude, avoid=asked.avoid)

    @read.get("/users/{id}/recommendations", summary="For a user", response_model=answers.Recommendations)
    def for_user(id: QueryId, asked: Annotated[AskedInQuery, Query()]) -> dict[str, Any]:
        check(asked)
        wish, unknown = asked.wish(core.genres)
        return written(core.recommend.for_user(id, wish), wish, unknown)

    @read.post(
        "/recommendations",
        summary="For a sequence of films that somebody liked, or for several users together",
        response_model=answers.Recommendations,
    )
    def for_anybody(asked: AskedInBody) -> dict[str, Any]:
        check(asked)
        each_at_most(settings.max_group, users=asked.users)
        each_at_most(settings.max_sequence, sequence=asked.sequence)
        wish, unknown = asked.wish(core.genres)
        if asked.users is not None:
            return written(core.group.recommend(asked.users, wish, asked.aggregate), wish, unknown)
        return written(core.recommend.for_sequence(asked.sequence or [], wish), wish, unknown)

    return [read]


def written(answer: Answer, wish: Wish, unknown_genres: Sequence[str]) -> dict[str, Any]:
    """With the cursor of the next page, unless this one was not even full."""
    shown = (*wish.shown, *(item.movie.id for item in answer.items))
    cursor = cursor_of(shown) if len(answer.items) == wish.k else None
    return answers.recommendations(answer, unknown_genres, cursor)
