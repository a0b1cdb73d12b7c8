"""The embedding service: `POST /v1/embeddings` in OpenAI's shape, and `POST /generate`.

`create_app` puts them around an embedder; `uvicorn embedding_generator.app:app` builds one from the environment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, Header
from pydantic_core import to_json
from starlette.responses import Response

from embedding_generator.encoders import Encoder
from embedding_generator.engine import EmbeddingEngine
from embedding_generator.lazy import LazyEmbedder, open_embedder
from embedding_generator.sentence_models import full_name
from embedding_generator.settings import EmbeddingSettings
from embedding_generator.wire import BULK, PRIORITY_HEADER, EmbeddingsRequest, Texts, answer, rounded
from service_kit import logs
from service_kit.app import create_service
from service_kit.auth import READ
from service_kit.errors import InvalidRequest, ModelUnavailable, NotFound
from service_kit.health import Readiness

Priority = Annotated[str | None, Header(alias=PRIORITY_HEADER, description="`bulk`: behind interactive texts")]


def create_app(embedder: EmbeddingEngine | LazyEmbedder, settings: EmbeddingSettings) -> FastAPI:
    """The service around this embedder, which it closes at the end."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001
        yield
        embedder.close()

    def readiness() -> Readiness:
        problem = embedder.problem()
        return Readiness() if problem is None else Readiness(ready=False, degraded={"model": problem})

    def info() -> dict[str, Any]:
        encoder = embedder.encoder
        return {
            "model": encoder.model if encoder else None,
            "dimension": encoder.dimension if encoder else None,
            "max_tokens": encoder.max_tokens if encoder else None,
            "max_texts": settings.embedding_max_texts,
            "max_characters": settings.embedding_max_characters,
        }

    return create_service(
        "Marquee embedding service",
        settings,
        routers=[_routes(embedder, settings)],
        readiness=readiness,
        info=info,
        lifespan=lifespan,
        internal=True,
    )


def _routes(embedder: EmbeddingEngine | LazyEmbedder, settings: EmbeddingSettings) -> APIRouter:
    routes = APIRouter(tags=["embeddings"], dependencies=[READ])

    @routes.post("/v1/embeddings", summary="Vectors of texts, in OpenAI's shape")
    def embeddings(body: EmbeddingsRequest, priority: Priority = None) -> Response:
        _check_size(body.input, settings)
        _check_model(body, embedder)
        return _json(answer(embedder.embed(body.input, bulk=priority == BULK), body.encoding_format))

    @routes.post("/generate", summary="Vectors of a list of texts, by text")
    def generate(texts: Annotated[Texts, Body()], priority: Priority = None) -> Response:
        _check_size(texts, settings)
        vectors = embedder.embed(texts, bulk=priority == BULK).vectors
        return _json(dict(zip(texts, rounded(vectors), strict=True)))

    return routes


def _check_size(texts: Sequence[str], settings: EmbeddingSettings) -> None:
    if len(texts) > settings.embedding_max_texts:
        raise InvalidRequest(
            f"{len(texts)} texts are more than the {settings.embedding_max_texts} of one request: send them in parts"
        )
    for place, text in enumerate(texts):
        if len(text) > settings.embedding_max_characters:
            raise InvalidRequest(
                f"text {place} has {len(text)} characters, more than {settings.embedding_max_characters}: shorten it"
            )


def _check_model(body: EmbeddingsRequest, embedder: EmbeddingEngine | LazyEmbedder) -> None:
    encoder = embedder.encoder
    if encoder is None:
        raise ModelUnavailable(f"the embedding model is not available: {embedder.problem()}")
    if body.model is not None and body.model not in _names(encoder):
        raise NotFound(f"the model {body.model} is not loaded here; {encoder.model} is")
    if body.dimensions not in (None, encoder.dimension):
        raise InvalidRequest(f"{encoder.model} has {encoder.dimension} dimensions, not {body.dimensions}")


def _names(encoder: Encoder) -> set[str]:
    """What callers may call it: with and without the revision, and without the organisation that is understood."""
    name = encoder.model.rpartition("@")[0]
    short = name.rpartition("/")[2]
    return {encoder.model, name} | ({short} if full_name(short) == name else set())


def _json(content: dict[str, Any]) -> Response:
    """Straight to bytes: a framework that looks at every number takes longer than the model."""
    return Response(to_json(content), media_type="application/json")


def __getattr__(name: str) -> FastAPI:
    """`app`, made when it is first asked for, so that importing this module starts nothing."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    settings = EmbeddingSettings()
    logs.configure(settings.log_level, settings.log_format)
    app = create_app(open_embedder(settings), settings)
    globals()[name] = app
    return app
