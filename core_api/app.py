"""HTTP around the core. `create_app` for who has a core already; the attribute `app`, for `uvicorn core_api.app:app`,
is made on first use from the environment, with services over HTTP only."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from core_api import page
from core_api.core import Core
from core_api.routes import choices, movies, personal, recommendations, stable, users
from core_api.settings import CoreSettings
from service_kit import logs
from service_kit.app import create_service


def create_app(core: Core, settings: CoreSettings | None = None) -> FastAPI:
    """The public API and the page. Its lifespan runs the core's background work."""
    settings = settings or core.settings

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001
        core.start()
        try:
            yield
        finally:
            core.close()

    routers = [
        router for part in (stable, recommendations, movies, choices, users, personal) for router in part.routers(core)
    ]
    app = create_service(
        "Marquee",
        settings,
        routers=routers,
        readiness=core.readiness,
        info=core.info,
        lifespan=lifespan,
        exceptions=personal.exceptions(settings),
        images_from=settings.poster_origin,
    )
    page.install(app)
    return app


def core_from_environment(settings: CoreSettings) -> Core:
    """A core whose services are processes of their own (or absent), as the settings say."""
    from embedding_generator.http import HttpEmbedder
    from indexer.open import open_stores
    from indexer.settings import StoreSettings
    from recommender_api.http import HttpRecommender
    from service_kit.http import ServiceClient

    def client(name: str, url: str) -> ServiceClient:
        key = settings.service_key.get_secret_value() if settings.service_key else None
        return ServiceClient(name, url, key, timeout_s=settings.service_deadline_s)

    stored = StoreSettings()
    return Core(
        open_stores(stored.url, stored),
        HttpRecommender(client("recommender", settings.recommender_url)) if settings.recommender_url else None,
        HttpEmbedder(client("embedding", settings.embedding_url)) if settings.embedding_url else None,
        settings,
    )


@functools.cache
def _app_from_environment() -> FastAPI:
    settings = CoreSettings()
    logs.configure(settings.log_level, settings.log_format)
    return create_app(core_from_environment(settings), settings)


def __getattr__(name: str) -> Any:
    if name == "app":
        return _app_from_environment()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
