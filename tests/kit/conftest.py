"""A small service with one route of each kind, to look at the frame around it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, FiniteFloat

from service_kit import deadline, logs
from service_kit.app import create_service
from service_kit.auth import ADMIN, READ, WRITE
from service_kit.errors import NotFound, StoreUnavailable
from service_kit.health import Readiness
from service_kit.settings import ServiceSettings
from tests.support.live import live


class Numbers(BaseModel):
    numbers: list[FiniteFloat]


@pytest.fixture(autouse=True, scope="session")
def _plain_logs() -> None:
    logs.configure()


@pytest.fixture
def make_service() -> Callable[..., FastAPI]:
    def make(readiness: Callable[[], Readiness] = Readiness, internal: bool = False, **settings: Any) -> FastAPI:
        return create_service(
            "tried",
            ServiceSettings(_env_file=None, **settings),
            routers=_routers(),
            readiness=readiness,
            info=lambda: {"films": 3},
            internal=internal,
        )

    return make


def _routers() -> list[APIRouter]:
    read, write, admin = (
        APIRouter(dependencies=[READ]),
        APIRouter(dependencies=[WRITE]),
        APIRouter(dependencies=[ADMIN]),
    )

    @read.get("/films/{film}")
    def film(film: str) -> dict[str, str]:
        if film == "none":
            raise NotFound(f"film {film} is not in the catalogue")
        if film == "store":
            raise StoreUnavailable("the store does not answer")
        if film == "bug":
            raise RuntimeError("secret detail")
        return {"film": film}

    @read.get("/left")
    def left() -> dict[str, float]:
        return {"left": deadline.remaining(100)}

    @read.get("/hang")
    def hang(seconds: float) -> dict[str, str]:
        time.sleep(seconds)
        return {}

    @write.post("/sum")
    def total(body: Numbers) -> dict[str, float]:
        return {"sum": sum(body.numbers)}

    @admin.post("/reset")
    def reset() -> dict[str, str]:
        return {"done": "yes"}

    return [read, write, admin]


@pytest.fixture
def service_url(make_service) -> Iterator[str]:
    with live(make_service()) as url:
        yield url
