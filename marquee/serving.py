"""Runs one service in this process: what `marquee serve` calls."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from marquee.output import say
from marquee.wiring import embedder_over_http, opened_stores, read_settings, recommender_over_http
from service_kit.errors import InvalidRequest

if TYPE_CHECKING:
    from fastapi import FastAPI

    from service_kit.settings import ServiceSettings


def serve_core(given: dict[str, Any], store: str | None) -> None:
    from core_api.app import create_app
    from core_api.core import Core
    from core_api.settings import CoreSettings

    settings = read_settings(CoreSettings, **given)
    check(settings, settings.port)
    with opened_stores(store) as stores:
        core = Core(stores, recommender_over_http(settings), embedder_over_http(settings), settings)
        run(create_app(core, settings), settings, settings.port, "core")


def serve_recommender(given: dict[str, Any]) -> None:
    from recommender_api.app import from_environment
    from recommender_api.settings import RecommenderSettings

    settings = read_settings(RecommenderSettings, **given)
    check(settings, settings.port, internal=True)
    run(from_environment(settings), settings, settings.port, "recommender", internal=True)


def serve_embedding(given: dict[str, Any]) -> None:
    from embedding_generator.app import create_app
    from embedding_generator.lazy import LazyEmbedder
    from embedding_generator.settings import EmbeddingSettings
    from marquee.wiring import load_engine_or_fitted

    settings = read_settings(EmbeddingSettings, **given)
    check(settings, settings.port, internal=True)
    embedder = LazyEmbedder(lambda: load_engine_or_fitted(settings))
    run(create_app(embedder, settings), settings, settings.port, "embedding", internal=True)


def check(settings: ServiceSettings, port: int, *, internal: bool = False) -> None:
    """Before any long work: is the port free, is the address safe? Raises InvalidRequest with one sentence."""
    from service_kit import serve

    try:
        serve.check(settings, port, internal=internal)
    except serve.CannotServe as error:
        raise InvalidRequest(str(error)) from None


def run(
    app: FastAPI,
    settings: ServiceSettings,
    port: int,
    name: str,
    *,
    internal: bool = False,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    from service_kit import serve

    for stop in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises them again when it has ended in order
        signal.signal(stop, _leave)
    try:
        serve.run(app, settings, port, internal=internal, on_ready=on_ready or (lambda url: say(f"{name}: {url}")))
    except serve.CannotServe as error:
        raise InvalidRequest(str(error)) from None


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
