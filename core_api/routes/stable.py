"""The four unversioned calls that clients rely on. `GET /recommendations` is the hot path: its answer is built by hand
and not validated again, and one that is in memory is given on the event loop (`core_api.routes.kept`)."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from core_api import answers
from core_api.core import Core
from core_api.pages import newest_first
from core_api.routes.bodies import BodyRoute
from core_api.routes.kept import Call, KeptFirst
from core_api.routes.limits import at_most
from core_api.schemas import QueryId, UpdateMovies, UpdateRatings
from core_api.wishes import Answer, Wish
from service_kit.auth import READ, WRITE


def routers(core: Core) -> list[APIRouter]:
    settings = core.settings
    read = APIRouter(tags=["stable"], dependencies=[READ])
    write = APIRouter(tags=["stable"], dependencies=[WRITE], route_class=BodyRoute)

    hot = KeptFirst(lambda call: core.recommend.kept(call.user_id, call.wish), answered)
    asked_often = APIRouter(tags=["stable"], dependencies=[READ], route_class=hot.route_class(settings))

    @asked_often.get(
        "/recommendations",
        summary="Films that the user has not rated, best first",
        responses={200: {"model": answers.PlainRecommendations}},
    )
    def recommendations(
        request: Request,
        user_id: QueryId,
        k: Annotated[int, Query(ge=1)] = 10,
        returnMetadata: bool = False,  # the name is the contract's
        genresAs: Literal["list", "string"] | None = None,
    ) -> Response:
        at_most(settings.max_k, k, "k")
        as_list = settings.genres_as_list if genresAs is None else genresAs == "list"
        call = Call(user_id, Wish(k=k), returnMetadata, as_list)
        hot.learn(request, call)
        return answered(call, core.recommend.for_user(user_id, call.wish))

    @read.get(
        "/features",
        summary="The films that the user has rated, newest first",
        responses={200: {"model": answers.Features}},
    )
    def features(user_id: QueryId, order: Literal["time", "id"] = "time") -> Response:
        history = core.ratings.history(user_id)
        if order == "id":
            ids = sorted(history.movie_ids, key=_by_id, reverse=True)
        else:
            ids = [rating.movie_id for rating in newest_first(history)]
        return _json({"features": [{"histories": ids}]})

    @write.post("/update_ratings", summary="Add ratings", response_model=answers.UpdatedRatings)
    def update_ratings(body: UpdateRatings) -> dict[str, Any]:
        rows = body.rows()
        at_most(settings.max_batch, sum(len(new) for new in rows.values()), "ratings in one body")
        rated = core.ratings.add(rows)
        return {"updated": rated.updated, "unknown_movies": rated.unknown_movies}

    @write.post("/update_movie", summary="Add or change films", response_model=answers.UpdatedMovies)
    def update_movie(body: UpdateMovies) -> dict[str, Any]:
        changes = body.changes()
        at_most(settings.max_batch_movies, len(changes), "films in one body")
        ready = core.catalogue.update(changes)
        return {"updated": list(changes), "vectors": "ready" if ready else "pending"}

    return [asked_often, read, write]


def answered(call: Call, answer: Answer) -> Response:
    items = [answers.plain_item(item, metadata=call.metadata, as_list=call.as_list) for item in answer.items]
    return _json({"items": items}, headers(answer))


def headers(answer: Answer) -> dict[str, str]:
    """How the films were ranked, for callers of a body that has no place for it."""
    told = {"X-Marquee-Strategy": answer.strategy}
    if answer.fallback_reason is not None:
        told["X-Marquee-Fallback-Reason"] = answer.fallback_reason
    return told


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def _json(content: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(_encode(content), headers=headers, media_type="application/json")


def _by_id(movie_id: str) -> tuple[int, int, str]:
    """Numbers by their size, after everything else."""
    return (1, int(movie_id), "") if movie_id.isdecimal() and movie_id.isascii() else (0, 0, movie_id)
