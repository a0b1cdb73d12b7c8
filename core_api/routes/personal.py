"""v1: a person's history brought in from another service, and taken along."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from core_api import answers
from core_api.core import Core
from core_api.imports import Preview, Row
from core_api.schemas import QueryId
from core_api.settings import CoreSettings
from service_kit.auth import READ, WRITE
from service_kit.errors import InvalidRequest
from service_kit.middleware import Allowance, Exceptions

_FILE = {
    "requestBody": {
        "required": True,
        "description": "The file as it is: zip, csv or json",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def exceptions(settings: CoreSettings) -> Exceptions:
    """An export of many years is larger than other bodies, and finding its films takes a pass over the catalogue."""
    return [(re.compile(r"/v1/users/[^/]+/imports"), Allowance(settings.max_import_bytes, settings.import_deadline_s))]


async def _file(request: Request) -> bytes:
    return await request.body()


def routers(core: Core) -> list[APIRouter]:
    read = APIRouter(prefix="/v1/users/{id}", tags=["users"], dependencies=[READ])
    write = APIRouter(prefix="/v1/users/{id}", tags=["users"], dependencies=[WRITE])

    @write.post(
        "/imports",
        summary="A person's history from another service: a preview, or with commit=true the import",
        description="Takes exports of Letterboxd, IMDb, Trakt, Jellyfin, Plex, MovieLens and Marquee, known by their "
        "content. Nothing is written without commit=true; importing a file twice changes nothing.",
        response_model=answers.ImportAnswer,
        openapi_extra=_FILE,
    )
    def imports(
        id: QueryId,
        data: Annotated[bytes, Depends(_file)],
        commit: bool = False,
        filename: Annotated[
            str, Query(max_length=200, description="The file's name; needed only for a lone watched.csv or likes")
        ] = "the file",
        choose: Annotated[
            list[str] | None,
            Query(description="row:movie for a row in doubt, or in place of what was matched; repeatable"),
        ] = None,
    ) -> dict[str, Any]:
        preview = core.imports.preview(id, filename, data, choices(choose or []))
        return document(core.imports.commit(id, preview) if commit else preview, committed=commit)

    @read.get(
        "/export",
        summary="All that is stored of the user, as JSON; or the ratings as Letterboxd imports them",
        responses={200: {"content": {"application/json": {}, "text/csv": {}}}},
    )
    def export(id: QueryId, format: Literal["json", "letterboxd"] = "json") -> Response:
        if format == "letterboxd":
            return _download(core.takeout.letterboxd(id).encode(), "text/csv", "letterboxd.csv")
        return _download(answers.to_json(core.takeout.document(id)), "application/json", "marquee.json")

    return [read, write]


def choices(given: list[str]) -> dict[int, str]:
    chosen = {}
    for choice in given:
        number, colon, movie = choice.partition(":")
        if not (colon and movie and number.isascii() and number.isdigit() and len(number) < 10):
            raise InvalidRequest(f"choose={choice}: give the number of a row and a film, like choose=12:260")
        chosen[int(number)] = movie
    return chosen


def document(preview: Preview, *, committed: bool) -> dict[str, Any]:
    """The answer, as `marquee import --json` prints it too."""
    matched, doubtful, missing = preview.with_film(), preview.in_doubt(), preview.without_film()
    effects = [row.effect for row in matched]
    return {
        "source": preview.source,
        "committed": committed,
        "written": preview.written,
        "counts": {
            "matched": len(matched),
            "ambiguous": len(doubtful),
            "unmatched": len(missing),
            "set_aside": preview.n_set_aside,
            **{effect: effects.count(effect) for effect in ("new", "changed", "same", "kept", "repeated")},
        },
        "matched": [_row(row) for row in matched],
        "ambiguous": [_row(row) for row in doubtful],
        "unmatched": [_row(row) for row in missing],
        "set_aside": [
            {"file": row.file, "line": row.line, "reason": row.reason, "text": row.text} for row in preview.set_aside
        ],
    }


def _row(row: Row) -> dict[str, Any]:
    entry, found = row.entry, row.match
    return {
        "row": row.number,
        "file": entry.file,
        "line": entry.line,
        "title": entry.film.title,
        "year": entry.film.year,
        "kind": entry.kind,
        "rating": row.rating.rating if row.rating else entry.rating,
        "movie": {"id": found.movie.id, "title": found.movie.title} if found.movie else None,
        "matched_by": found.by or None,
        "effect": row.effect,
        "candidates": [{"id": film.id, "title": film.title} for film in found.candidates],
        "reason": found.reason or None,
    }


def _download(content: bytes, media_type: str, name: str) -> Response:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=disposition)
