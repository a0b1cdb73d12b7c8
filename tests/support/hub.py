"""A small model hub on loopback that serves the files of one folder, for the real client of model hubs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.live import live

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """Knows one model, `owner/name`, with a branch main and a tag v1 at one commit."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self.fetched: list[str] = []
        self.url = ""

    @contextmanager
    def open(self) -> Iterator[Hub]:
        model = f"/{self._name}/resolve/{{revision}}/{{path:path}}"
        routes = [
            Route("/api/models/{owner}/{name}", self._info),
            Route("/api/models/{owner}/{name}/revision/{revision}", self._info),
            Route("/api/models/{owner}/{name}/tree/{revision}", self._tree),
            Route(model, self._file, methods=["GET", "HEAD"]),
        ]
        with live(Starlette(routes=routes)) as self.url:
            yield self

    def _files(self) -> list[str]:
        return sorted(path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file())

    async def _info(self, request: Request) -> Response:
        if f"{request.path_params['owner']}/{request.path_params['name']}" != self._name:
            return JSONResponse({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        if request.path_params.get("revision", "main") not in ("main", "v1", COMMIT):
            return JSONResponse({"error": "Invalid rev id"}, 404, {"X-Error-Code": "RevisionNotFound"})
        return JSONResponse(
            {"id": self._name, "sha": COMMIT, "siblings": [{"rfilename": name} for name in self._files()], "tags": []}
        )

    async def _tree(self, request: Request) -> Response:
        sizes = {name: (self._folder / name).stat().st_size for name in self._files()}
        return JSONResponse(
            [{"type": "file", "path": name, "size": size, "oid": self._etag(name)} for name, size in sizes.items()]
        )

    async def _file(self, request: Request) -> Response:
        name = request.path_params["path"]
        if name not in self._files():
            return JSONResponse({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
        if request.method == "GET":
            self.fetched.append(name)
        headers = {"ETag": f'"{self._etag(name)}"', "X-Repo-Commit": COMMIT}
        return Response((self._folder / name).read_bytes(), headers=headers, media_type="application/octet-stream")

    def _etag(self, name: str) -> str:
        return hashlib.sha1((self._folder / name).read_bytes(), usedforsecurity=False).hexdigest()
