"""Reads JSON bodies for the routes, and takes no name twice in one object: of two entries for one user the parser
would keep the last, and ratings that we said are stored would be lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from service_kit.auth import check_first


class _Twice(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for place, name in enumerate(names) if name in names[:place]))
    return read


class _BodyRequest(Request):
    async def json(self) -> Any:
        body = await self.body()
        try:
            return json.loads(body, object_pairs_hook=_distinct)
        except _Twice as twice:  # the framework makes a 422 of this exception alone
            raise json.JSONDecodeError(f"{json.dumps(twice.name)} is there twice in one object", "", 0) from None


class BodyRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        usual = super().get_route_handler()

        async def handler(request: Request) -> Response:
            await check_first(request, self.dependencies)
            return await usual(_BodyRequest(request.scope, request.receive))

        return handler
