"""The page at `/`: static files, no build step, nothing inline, nothing from elsewhere (strict CSP).

Browsers ask anew each time (304 for what is unchanged), so that after an update no old module meets a new one; and
they are sent compressed.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_FILES = Path(__file__).parent / "static"
_ASK_ANEW = {"Cache-Control": "no-cache"}


class _Fresh(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers.update(_ASK_ANEW)
        return answer


def install(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    def index() -> FileResponse:
        return FileResponse(_FILES / "index.html", headers=_ASK_ANEW)

    app.mount("/static", GZipMiddleware(_Fresh(directory=_FILES), minimum_size=500))
