"""Answers that are in memory, given on the event loop: the way to the thread pool and back costs more than they do.

Only where nothing would be skipped by it: with API keys or a rate limit set, every request goes the usual way. What a
query string means is learned from the usual way, so there is no second reading of parameters that could differ.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from core_api.cache import AnswerCache
from core_api.settings import CoreSettings
from core_api.wishes import Answer, Wish

_QUERY_STRINGS = 4096


@dataclass(frozen=True, slots=True)
class Call:
    """What one query string of `GET /recommendations` asks for."""

    user_id: str
    wish: Wish
    metadata: bool
    as_list: bool


class KeptFirst:
    def __init__(self, look: Callable[[Call], Answer | None], write: Callable[[Call, Answer], Response]) -> None:
        """`look` answers a call from memory, at once, or not at all."""
        self._look = look
        self._write = write
        self._calls: AnswerCache[Call] = AnswerCache(_QUERY_STRINGS)

    def learn(self, request: Request, call: Call) -> None:
        """The usual way has read this request and found it good."""
        self._calls.put(request.scope["query_string"], None, call)

    def route_class(self, settings: CoreSettings) -> type[APIRoute]:
        if settings.api_keys or settings.rate_limit_per_minute:
            return APIRoute
        first = self._first

        class KeptFirstRoute(APIRoute):
            def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
                usual = super().get_route_handler()

                async def handler(request: Request) -> Response:
                    return first(request) or await usual(request)

                return handler

        return KeptFirstRoute

    def _first(self, request: Request) -> Response | None:
        call = self._calls.get(request.scope["query_string"], None)
        answer = self._look(call) if call is not None else None
        return self._write(call, answer) if call is not None and answer is not None else None
