"""Fetch a trained model version as a zip archive, check it, put it beside the others: `marquee models pull`.

The archive holds one version's folder (NAME/VERSION/ or VERSION/), as it lies under MARQUEE_HOME/models. Nothing of it
is used before its sha256 is right, only plain files are unpacked, and a version that does not verify against its own
manifest does not stay.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
import stat
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from recommender_api.model_files import ModelFileError, StoredVersion, read_version
from service_kit.errors import InvalidRequest, UpstreamUnavailable
from service_kit.progress import Progress

LARGEST_BYTES = 2 * 2**30  # of the archive, and of what it unpacks to
MOST_FILES = 64
LONGEST_S = 1800.0
_CHUNK = 2**18
_PLAIN = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}")


def pull(url: str, sha256: str, models_dir: Path, progress: Progress) -> StoredVersion:
    """The version, now on disk and not yet active. Raises InvalidRequest or UpstreamUnavailable with one sentence."""
    if not re.fullmatch(r"[0-9a-f]{64}", sha256.lower()):
        raise InvalidRequest(f"--sha256 must be 64 hexadecimal digits, not {sha256!r}")
    models_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=models_dir, prefix=".pull-") as file:
        found = _fetch(url, file, progress)
        if found != sha256.lower():
            raise InvalidRequest(f"{url} has the sha256 {found}, not the one that was given: nothing was kept")
        try:
            with zipfile.ZipFile(file) as archive:
                return _unpack(archive, models_dir)
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise InvalidRequest(f"{url} is no zip archive that can be read ({error}): nothing was kept") from None


def _fetch(url: str, file: IO[bytes], progress: Progress) -> str:
    """Download into the file; the sha256 of what came."""
    import httpx

    digest, received, until = hashlib.sha256(), 0, time.monotonic() + LONGEST_S
    try:
        with httpx.stream("GET", url, timeout=30.0, follow_redirects=True) as answer:
            answer.raise_for_status()
            size = int(answer.headers.get("content-length", 0)) or None
            with progress.task("fetching the model", size) as advance:
                for chunk in answer.iter_bytes(_CHUNK):
                    received += len(chunk)
                    if received > LARGEST_BYTES or time.monotonic() > until:
                        raise InvalidRequest(f"{url} sends too much or too slowly: nothing was kept")
                    file.write(chunk)
                    digest.update(chunk)
                    advance(len(chunk))
    except httpx.HTTPStatusError as error:
        raise InvalidRequest(f"{url} answered {error.response.status_code}") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UpstreamUnavailable(f"{url} cannot be fetched: {error or type(error).__name__}") from None
    file.flush()
    return digest.hexdigest()


def _unpack(archive: zipfile.ZipFile, models_dir: Path) -> StoredVersion:
    members = {member.filename.split("/")[-1]: member for member in _plain_files(archive)}
    version = _version_of(members.values())
    name = _model_of(archive, members)
    home = models_dir / name
    if (home / version).exists():
        return read_version(models_dir, name, version)
    with _new_folder(home) as folder:
        for file, member in members.items():
            with archive.open(member) as source, (folder / file).open("wb") as target:
                shutil.copyfileobj(source, target, _CHUNK)
        folder.rename(home / version)
    try:
        return read_version(models_dir, name, version)
    except ModelFileError:
        shutil.rmtree(home / version)
        raise


def _plain_files(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if not members or len(members) > MOST_FILES or sum(member.file_size for member in members) > LARGEST_BYTES:
        raise InvalidRequest("the archive holds no files, too many, or too large ones: nothing was kept")
    for member in members:
        mode = member.external_attr >> 16
        harmless = all(_PLAIN.fullmatch(part) for part in member.orig_filename.split("/"))
        if not harmless or stat.S_IFMT(mode) not in (0, stat.S_IFREG) or member.flag_bits & 0x1:
            raise InvalidRequest(f"the archive's file {member.orig_filename!r} is no plain file: nothing was kept")
    return members


def _version_of(members: Iterable[zipfile.ZipInfo]) -> str:
    folders = {member.filename.rpartition("/")[0] for member in members}
    if len(folders) != 1 or folders == {""}:
        raise InvalidRequest("the archive must hold the folder of one model version: nothing was kept")
    return folders.pop().split("/")[-1]


def _model_of(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> str:
    """As its manifest names it."""
    from recommender_api.models.registry import check_name

    try:
        with archive.open(members["manifest.json"]) as file:
            name = json.loads(file.read(2**20))["model"]
    except (KeyError, ValueError, TypeError):
        raise InvalidRequest("the archive holds no manifest.json of a model: nothing was kept") from None
    check_name(str(name))
    return str(name)


@contextmanager
def _new_folder(home: Path) -> Iterator[Path]:
    home.mkdir(parents=True, exist_ok=True)
    folder = home / f".{secrets.token_hex(8)}.tmp"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
