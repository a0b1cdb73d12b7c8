"""v1: what there is to choose from when a list of films is narrowed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from core_api.core import Core
from core_api.years import Years
from service_kit.auth import READ


class YearsAnswer(BaseModel):
    first: int | None = Field(description="Of the oldest film; null where no film has a year")
    last: int | None
    new_since: int | None = Field(
        description="The year from which on the latest 100 films come, or the latest tenth of them"
    )


def routers(core: Core) -> list[APIRouter]:
    years = Years(core.stores.movies)
    read = APIRouter(prefix="/v1", tags=["movies"], dependencies=[READ])

    @read.get("/years", summary="From which year to which the films are, and which are new", response_model=YearsAnswer)
    def span() -> dict[str, Any]:
        return asdict(years.span())

    return [read]
