"""The frame around every service: `create_service` makes a FastAPI app with all that callers may rely on anywhere.

Problem answers, request ids, keys and roles, limits, deadlines, logs, `/healthz/*`, `/metrics`, `/v1/info`, `/docs`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from starlette.responses import PlainTextResponse, Response

from service_kit import docs_page, health, metrics, problems
from service_kit.auth import READ
from service_kit.health import Readiness
from service_kit.keys import ApiKey, KeyRing, Role, digest
from service_kit.middleware import Allowance, Exceptions, RequestMiddleware
from service_kit.settings import ServiceSettings

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_service(
    title: str,
    settings: ServiceSettings,
    *,
    routers: Sequence[APIRouter],
    readiness: Callable[[], Readiness],
    info: Callable[[], dict[str, Any]],
    lifespan: Lifespan | None = None,
    internal: bool = False,
    exceptions: Exceptions = (),
    images_from: str | None = None,
) -> FastAPI:
    """The app of one service. `internal` ones also accept the service key; `info` answers `/v1/info` and may block;
    `exceptions` are the paths that may take longer or have larger bodies than the settings say; `images_from` is an
    origin that pages may show images of.

    Each router says which role it needs (`service_kit.auth.READ` and the others).
    """
    probe = health.ReadinessProbe(readiness)

    @asynccontextmanager
    async def whole_life(app: FastAPI) -> AsyncIterator[None]:
        try:
            if lifespan is None:
                yield
            else:
                async with lifespan(app):
                    yield
        finally:
            probe.close()

    app = FastAPI(
        title=title,
        version=distribution_version(),
        docs_url=None,
        redoc_url=None,
        lifespan=whole_life,
        responses=problems.RESPONSES,
    )
    app.state.keys = keyring(settings, internal=internal)
    problems.install(app)
    limited = []
    if settings.rate_limit_per_minute:
        from service_kit.limits import RateLimit  # the library takes a tenth of a second to import

        limited = [Depends(RateLimit(settings.rate_limit_per_minute))]
    app.include_router(health.router(probe))
    for router in (*routers, _about(title, info)):
        app.include_router(router, dependencies=limited)
    docs_page.install(app)
    app.add_middleware(
        RequestMiddleware,
        service=title,
        usual=Allowance(settings.max_body_bytes, settings.request_deadline_s),
        exceptions=exceptions,
        images_from=images_from,
        access_log=settings.access_log,
    )
    return app


def keyring(settings: ServiceSettings, *, internal: bool) -> KeyRing:
    keys = settings.api_keys
    if internal and settings.service_key is not None:
        keys = (*keys, ApiKey(Role.admin, digest(settings.service_key.get_secret_value())))
    return KeyRing(keys)


def distribution_version() -> str:
    try:
        return version("marquee-recommender")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0+checkout"


def _about(title: str, info: Callable[[], dict[str, Any]]) -> APIRouter:
    routes = APIRouter(tags=["about"], dependencies=[READ])

    @routes.get("/v1/info", summary="What runs here: versions, models, counts")
    def about() -> dict[str, Any]:
        return {"service": title, "version": distribution_version(), **info()}

    @routes.get("/metrics", summary="Counters and timings for Prometheus", response_class=PlainTextResponse)
    async def exposition() -> Response:
        return metrics.exposition()

    return routes
