"""Model versions on disk: written whole or not at all, verified before a byte of them is used.

    MODELS_DIR/active.json                       {"name": ..., "version": ...}: the pointer that services follow
    MODELS_DIR/<name>/<version>/manifest.json    size and sha256 of every other file in the folder
                                vocabulary.json  row -> film id
                                metrics.json     what was measured on validation
                                split.json       which rows it has seen (`evaluate` refuses to test on those)
                                ...              what the ranker's own `save` wrote (weights, config.json)

Nothing in here is executed: no pickle. Training writes, `RecommenderEngine` and `marquee models` read.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recommender_api.models.base import Ranker
from recommender_api.models.registry import check_name, guarded, is_ranker, ranker_class, ranker_names
from recommender_api.vocabulary import Vocabulary
from recommender_api.weights import ModelFileError, place

__all__ = [
    "LoadedVersion",
    "ModelFileError",
    "StoredVersion",
    "activate",
    "active_version",
    "deactivate",
    "list_versions",
    "load_version",
    "newest_version",
    "read_version",
    "save_version",
]

FORMAT = 1
MANIFEST = "manifest.json"
POINTER = "active.json"
_OURS = frozenset({MANIFEST, "vocabulary.json", "metrics.json", "split.json"})
_LONGEST_JSON = 64 << 20  # bytes: a vocabulary of a million ids has about 12 MB
_LONGEST_MANIFEST = 1 << 20
_PLAIN_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}")  # no separator, no leading dot: cannot leave its folder


@dataclass(frozen=True)
class StoredVersion:
    """What is known of a version without loading it."""

    name: str
    version: str
    folder: Path
    metrics: dict[str, float]
    split: dict[str, Any]


@dataclass(frozen=True)
class LoadedVersion:
    """A version ready to rank."""

    stored: StoredVersion
    ranker: Ranker


def save_version(
    models_dir: Path, ranker: Ranker, metrics: Mapping[str, float], split: Mapping[str, Any] | None = None
) -> StoredVersion:
    """Write the ranker as a new version, on disk when this returns. Does not activate it."""
    home = Path(models_dir) / ranker.name
    home.mkdir(parents=True, exist_ok=True)
    temporary = home / f".{secrets.token_hex(8)}.tmp"
    temporary.mkdir()
    try:
        ranker.save(temporary)
        _write_json(temporary / "metrics.json", dict(metrics))
        _write_json(temporary / "split.json", dict(split or {}))
        (temporary / "vocabulary.json").write_text(ranker.vocabulary.to_json(), "utf-8")
        version = _write_manifest(temporary, ranker)
        for path in temporary.iterdir():
            _fsync(path)
        _fsync(temporary)
        temporary.rename(home / version)
        _fsync(home)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return StoredVersion(ranker.name, version, home / version, dict(metrics), dict(split or {}))


def _write_manifest(folder: Path, ranker: Ranker) -> str:
    """Writes manifest.json; the version is the time and the beginning of the manifest's own hash."""
    created = datetime.now(UTC)
    files = {path.name: {"size": path.stat().st_size, "sha256": _sha256(path)} for path in sorted(folder.iterdir())}
    manifest = {
        "format": FORMAT,
        "model": ranker.name,
        "films": len(ranker.vocabulary),
        "created": created.isoformat(),
        "files": files,
    }
    _write_json(folder / MANIFEST, manifest)
    return f"{created:%Y%m%dT%H%M%S.%fZ}-{_sha256(folder / MANIFEST)[:8]}"


def read_version(models_dir: Path, name: str, version: str) -> StoredVersion:
    """Verify a version, every file against the manifest, without loading it. Raises ModelFileError."""
    folder = _folder(models_dir, name, version)
    if folder.is_symlink() or not folder.is_dir():
        raise ModelFileError(f"Model {name} has no version {version}; `marquee models list` shows what there is.")
    manifest = _read_json(folder / MANIFEST, _LONGEST_MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT or manifest.get("model") != name:
        raise ModelFileError(f"{place(folder / MANIFEST)} does not describe a model {name} in format {FORMAT}.")
    _verify(folder, manifest)
    metrics, split = _read_json(folder / "metrics.json"), _read_json(folder / "split.json")
    if not isinstance(metrics, dict) or not all(_is_number(value) for value in metrics.values()):
        raise ModelFileError(f"{place(folder / 'metrics.json')} is not a table of numbers.")
    if not isinstance(split, dict):
        raise ModelFileError(f"{place(folder / 'split.json')} is not a JSON object.")
    return StoredVersion(name, version, folder, {key: float(value) for key, value in metrics.items()}, split)


def load_version(models_dir: Path, name: str, version: str) -> LoadedVersion:
    """Verify, then load. Raises ModelFileError, with both numbers where weights and vocabulary differ in size."""
    stored = read_version(models_dir, name, version)
    path = stored.folder / "vocabulary.json"
    try:
        vocabulary = Vocabulary.from_json(_read_text(path, _LONGEST_JSON))
    except ValueError as error:
        raise ModelFileError(f"{place(path)} cannot be used: {error}.") from None
    kind = ranker_class(name)
    with guarded(name):
        return LoadedVersion(stored, kind.load(stored.folder, vocabulary))


def list_versions(models_dir: Path, name: str | None = None) -> list[StoredVersion]:
    """Every version that verifies, by name, the newest first. Damaged ones are left out: `read_version` says why."""
    found = []
    for model in [name] if name else ranker_names():
        home = Path(models_dir) / model
        versions = sorted((path.name for path in home.iterdir()), reverse=True) if home.is_dir() else []
        for version in versions:
            if not version.startswith("."):
                try:
                    found.append(read_version(models_dir, model, version))
                except ModelFileError:
                    continue
    return found


def newest_version(models_dir: Path, name: str) -> str | None:
    """The version written last, not verified; None when there is none. Cheap: versions begin with their time."""
    home = Path(models_dir) / name
    if not home.is_dir() or not is_ranker(name):
        return None
    return max((path.name for path in home.iterdir() if _PLAIN_NAME.fullmatch(path.name)), default=None)


def activate(models_dir: Path, name: str, version: str) -> StoredVersion:
    """Point the services at this version, after verifying it. They follow at their next poll."""
    stored = read_version(models_dir, name, version)
    pointer = Path(models_dir) / POINTER
    temporary = pointer.with_name(f".{POINTER}.{secrets.token_hex(8)}.tmp")
    try:
        _write_json(temporary, {"name": name, "version": version})
        _fsync(temporary)
        temporary.replace(pointer)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _fsync(pointer.parent)
    return stored


def deactivate(models_dir: Path) -> None:
    """No version is active any more; services go on with what they have loaded, or without a model."""
    (Path(models_dir) / POINTER).unlink(missing_ok=True)


def active_version(models_dir: Path) -> tuple[str, str] | None:
    """(name, version) that the pointer names; None when none is active. Raises ModelFileError for a broken pointer."""
    pointer = Path(models_dir) / POINTER
    if not pointer.exists():
        return None
    document = _read_json(pointer, _LONGEST_MANIFEST)
    if not isinstance(document, dict) or not all(isinstance(document.get(key), str) for key in ("name", "version")):
        raise ModelFileError(f"{place(pointer)} must hold a name and a version; run `marquee models activate`.")
    return document["name"], document["version"]


def _folder(models_dir: Path, name: str, version: str) -> Path:
    check_name(name)
    if not _PLAIN_NAME.fullmatch(version):
        raise ModelFileError(f"{version!r} is not the name of a version of {name}.")
    return Path(models_dir) / name / version


def _verify(folder: Path, manifest: dict[str, Any]) -> None:
    """The folder holds the manifest's files, plain files of that size and hash, and nothing else."""
    files = manifest.get("files")
    if not isinstance(files, dict) or not all(isinstance(entry, dict) for entry in files.values()):
        raise ModelFileError(f"{place(folder / MANIFEST)} lists no files.")
    present = {path.name for path in folder.iterdir()}
    if not set(files) >= _OURS - {MANIFEST} or present != set(files) | {MANIFEST}:
        raise ModelFileError(f"{place(folder)} holds {sorted(present)}, its manifest lists {sorted(map(str, files))}.")
    for name, entry in files.items():
        path = folder / name
        if not _PLAIN_NAME.fullmatch(name) or path.is_symlink() or not path.is_file():
            raise ModelFileError(f"{place(path)} is not a plain file in its version's folder.")
        if path.stat().st_size != entry.get("size"):
            raise ModelFileError(
                f"{place(path)} has {path.stat().st_size} bytes, its manifest says {entry.get('size')}; train it again."
            )
        if _sha256(path) != entry.get("sha256"):
            raise ModelFileError(f"{place(path)} is not the file that was written (sha256 differs); train it again.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _read_text(path: Path, limit: int) -> str:
    try:
        if path.stat().st_size > limit:
            raise ModelFileError(f"{place(path)} has {path.stat().st_size} bytes, at most {limit} are read.")
        return path.read_text("utf-8")
    except OSError as error:
        raise ModelFileError(f"{place(path)} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ModelFileError(f"{place(path)} is not text in UTF-8.") from None


def _read_json(path: Path, limit: int = _LONGEST_JSON) -> Any:
    try:
        return json.loads(_read_text(path, limit))
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{place(path)} is not JSON: {error}.") from None


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", "utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    """Files and folders alike: a rename is durable only once its folder is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
