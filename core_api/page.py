"""The page at `/`: static files, no build step, nothing inline, nothing from elsewhere (strict CSP)."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

_FILES = Path(__file__).parent / "static"


def install(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    def index() -> FileResponse:
        return FileResponse(_FILES / "index.html")

    app.mount("/static", StaticFiles(directory=_FILES))
