"""Fetches a MovieLens archive from GroupLens into the cache: from a fixed list, checked against its checksum.

To a temporary file that is renamed when it is whole and right, so the cache never holds half an archive.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from indexer.datasets.errors import DatasetError, Unreachable
from indexer.datasets.known import KNOWN
from indexer.datasets.settings import DatasetSettings
from service_kit.progress import Progress

_LARGEST = 2 * 2**30  # bytes; the largest archive of GroupLens has less than a sixth of it
_CHUNK = 2**18
_CONNECT_S = 10.0
_SHOWN = "downloading {name}"


def download(name: str, settings: DatasetSettings, progress: Progress, client: httpx.Client | None = None) -> Path:
    """The archive of a known data set, now in the cache.

    Raises Unreachable when the server is, or is too slow; DatasetError when what came is not what was promised.
    """
    archive = KNOWN[name]
    settings.cache.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + settings.download_timeout_s
    with client or _client() as http:
        try:
            digest = ("sha256", archive.sha256) if archive.sha256 else ("md5", _published_md5(http, archive.url))
            return _fetch(http, name, archive.url, digest, settings.cache, deadline, progress)
        except httpx.HTTPError as error:
            raise Unreachable(f"{httpx.URL(archive.url).host}: {error or type(error).__name__}") from error


def _client() -> httpx.Client:
    """Follows no redirect: what GroupLens serves comes from GroupLens."""
    return httpx.Client(
        timeout=httpx.Timeout(30.0, connect=_CONNECT_S),
        follow_redirects=False,
        headers={"accept-encoding": "identity"},
    )


def _fetch(
    http: httpx.Client,
    name: str,
    url: str,
    digest: tuple[str, str],
    folder: Path,
    deadline: float,
    progress: Progress,
) -> Path:
    algorithm, expected = digest
    found = hashlib.new(algorithm, usedforsecurity=algorithm != "md5")
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file, http.stream("GET", url) as answer:
            _check_answer(answer)
            size = int(answer.headers.get("content-length", 0)) or None
            with progress.task(_SHOWN.format(name=name), size) as advance:
                _receive(answer, [file.write, found.update, lambda chunk: advance(len(chunk))], deadline)
            file.flush()
            os.fsync(file.fileno())
        if found.hexdigest() != expected:
            raise DatasetError(
                f"{url} came with {algorithm} {found.hexdigest()}, expected {expected}: nothing was kept; try again, "
                "or put the archive into MARQUEE_DATASETS yourself if GroupLens has published a new one."
            )
        return Path(temporary).replace(folder / f"{name}.zip")
    finally:
        Path(temporary).unlink(missing_ok=True)


def _receive(answer: httpx.Response, sinks: list[Callable[[bytes], object]], deadline: float) -> None:
    received = 0
    for chunk in answer.iter_raw(_CHUNK):
        received += len(chunk)
        if received > _LARGEST:
            raise DatasetError(f"{answer.url} sends more than {_LARGEST} bytes: nothing was kept.")
        if time.monotonic() > deadline:
            raise Unreachable("it took longer than MARQUEE_DOWNLOAD_TIMEOUT_S")
        for sink in sinks:
            sink(chunk)


def _check_answer(answer: httpx.Response) -> None:
    if answer.status_code != 200:
        raise Unreachable(f"{answer.url.host} answered {answer.status_code}")


def _published_md5(http: httpx.Client, url: str) -> str:
    """From "HEX  name.zip" or "MD5 (name.zip) = HEX"."""
    answer = http.get(f"{url}.md5")
    _check_answer(answer)
    found = re.search(r"\b[0-9a-f]{32}\b", answer.text[:1000].lower())
    if not found:
        raise DatasetError(f"{url}.md5 holds no checksum: get the archive yourself and put it into MARQUEE_DATASETS.")
    return found[0]
