"""The recommender service: `POST /rank`, `POST /predict`, `GET /models`, `POST /models/reload`.

`create_app` takes any Recommender; `app` (for `uvicorn recommender_api.app:app`) is made from the environment when
first asked for. Limits are checked here, before any work is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI

from recommender_api.client import Predictions, PredictQuery, Ranking, RankQuery, Recommender
from recommender_api.http import ModelList
from recommender_api.settings import RecommenderSettings
from service_kit import logs
from service_kit.app import create_service
from service_kit.auth import ADMIN, READ
from service_kit.errors import InvalidRequest
from service_kit.health import Readiness


def create_app(recommender: Recommender, settings: RecommenderSettings) -> FastAPI:
    def readiness() -> Readiness:
        """Ready without a model, too: a caller falls back, and a model may come at any moment."""
        models = recommender.models()
        problem = next((model.problem for model in models if model.problem), None)
        if problem is None and not any(model.active for model in models):
            problem = "no model is active yet"
        return Readiness(degraded={"model": problem} if problem else {})

    def info() -> dict[str, Any]:
        return ModelList(models=recommender.models()).model_dump()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            close = getattr(recommender, "close", None)  # an engine has a thread to end
            if close is not None:
                close()

    return create_service(
        "recommender",
        settings,
        routers=[_routes(recommender, settings)],
        readiness=readiness,
        info=info,
        lifespan=lifespan,
        internal=True,
    )


def _routes(recommender: Recommender, settings: RecommenderSettings) -> APIRouter:
    routes = APIRouter(tags=["recommender"], dependencies=[READ])

    @routes.post("/rank", summary="The k best films for a history")
    def rank(query: RankQuery) -> Ranking:
        _check("k", query.k, settings.max_ranked)
        _check("history", len(query.history.ids), settings.max_history_ids)
        _check("seen", len(query.seen), settings.max_history_ids)
        _check("avoid", len(query.avoid), settings.max_history_ids)
        _check("candidates", len(query.candidates or ()), settings.max_candidates)
        return recommender.rank(query)

    @routes.post("/predict", summary="How the owner of a history would rate films")
    def predict(query: PredictQuery) -> Predictions:
        _check("history", len(query.history.ids), settings.max_history_ids)
        _check("items", len(query.items), settings.max_candidates)
        return recommender.predict(query)

    @routes.get("/models", summary="The versions in memory, the active one marked")
    def models() -> ModelList:
        return ModelList(models=recommender.models())

    @routes.post("/models/reload", summary="Look for a newly activated version now", dependencies=[ADMIN])
    def reload() -> ModelList:
        return ModelList(models=recommender.reload())

    return routes


def _check(what: str, given: int, limit: int) -> None:
    if given > limit:
        raise InvalidRequest(f"{what} is {given}, at most {limit} is allowed here; ask for less at once.")


def from_environment(settings: RecommenderSettings | None = None) -> FastAPI:
    """The service on an engine of its own, as the settings say."""
    from recommender_api.engine import RecommenderEngine

    settings = settings or RecommenderSettings()
    logs.configure(settings.log_level, settings.log_format)
    return create_app(RecommenderEngine.of(settings), settings)


def __getattr__(name: str) -> FastAPI:
    if name == "app":
        globals()["app"] = made = from_environment()
        return made
    raise AttributeError(name)
