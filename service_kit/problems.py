"""One shape for every error: RFC 9457 `application/problem+json`, with the request id.

Unexpected errors are logged whole and answered with the request id only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from service_kit.context import request_id
from service_kit.errors import ServiceError

TYPE_PREFIX = "urn:marquee:problem:"
MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """The body of every error answer."""

    type: str = Field(examples=[TYPE_PREFIX + "not-found"])
    title: str
    status: int
    detail: str = Field(description="One sentence that names the thing and the remedy")
    instance: str
    request_id: str | None


_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
# For FastAPI's `responses`: what /openapi.json says of errors. "default" carries the model's schema along.
RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {"model": Problem, "description": "Any error", "content": _CONTENT},
    422: {"description": "The request is not valid", "content": _CONTENT},
}

_BY_STATUS = {
    400: ("bad-request", "The request could not be read"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "Method not allowed"),
    413: ("body-too-large", "The body is too large"),
}


def problem(
    status: int,
    slug: str,
    title: str,
    detail: str,
    instance: str,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    content = {
        **(extra or {}),
        "type": TYPE_PREFIX + slug,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
        "request_id": request_id.get(),
    }
    # Escaped: a sentence may quote half a character that the caller sent, and that has no UTF-8 form.
    return Response(json.dumps(content), status, headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


def of_service_error(error: ServiceError, instance: str) -> Response:
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(error.status, error.slug, error.title, error.detail, instance, headers, error.extra)


async def _service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    return of_service_error(error, request.url.path)


async def _validation_error(request: Request, error: Exception) -> Response:
    """One sentence for the first mistake, and all of them with their places; the input itself is not echoed."""
    assert isinstance(error, RequestValidationError)
    mistakes = [_mistake(e) for e in error.errors()[:20]]
    first = mistakes[0]
    detail = f"{first['where']}: {first['message']}" if first["where"] else first["message"]
    return problem(
        422, "invalid-request", "The request is not valid", detail, request.url.path, extra={"errors": mistakes}
    )


def _mistake(error: Mapping[str, Any]) -> dict[str, str]:
    if error["type"] == "json_invalid":  # its location is a position in the text
        at = f" (character {error['loc'][-1]})" if error["loc"][-1] else ""
        return {"where": "body", "message": f"this is not JSON as we read it: {error['ctx']['error']}{at}"}
    return {"where": _place(error["loc"]), "message": error["msg"]}


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    slug, title = _BY_STATUS.get(error.status_code, ("http-error", str(error.detail)))
    detail = {
        404: f"there is nothing at {request.url.path}",
        405: f"{request.url.path} does not take {request.method}",
        413: "the body is larger than this service takes: send it in parts",
    }.get(error.status_code, str(error.detail))
    return problem(error.status_code, slug, title, detail, request.url.path, error.headers)


def _place(location: Sequence[int | str]) -> str:
    """("body", "ratings", 3) -> "ratings[3]"; ("query", "k") -> "k"."""
    parts = location[1:] if location and location[0] in ("body", "query", "path", "header") else location
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".")
