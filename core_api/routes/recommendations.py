"""v1: recommendations for a user, for a typed-in sequence, for a group; with filters, and how they were ranked."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from core_api import answers
from core_api.core import Core
from core_api.routes.bodies import BodyRoute
from core_api.routes.limits import at_most, each_at_most
from core_api.schemas import AskedInBody, AskedInQuery, QueryId
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
        return answers.recommendations(core.recommend.for_user(id, asked.wish()))

    @read.post(
        "/recommendations",
        summary="For a sequence of films that somebody liked, or for several users together",
        response_model=answers.Recommendations,
    )
    def for_anybody(asked: AskedInBody) -> dict[str, Any]:
        check(asked)
        if asked.users is not None:
            each_at_most(settings.max_group, users=asked.users)
            return answers.recommendations(core.recommend.for_group(asked.users, asked.wish()))
        each_at_most(settings.max_sequence, sequence=asked.sequence)
        return answers.recommendations(core.recommend.for_sequence(asked.sequence or [], asked.wish()))

    return [read]
