"""Data that was read once, kept on disk under the hash of its content.

Another content has another key, so an entry is never stale; what was not used for longest goes when the folder grows
over its bound. An entry that cannot be read is made again. A copy only: losing it costs time.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.vocabulary import Vocabulary

_READING = 1  # goes up when the same bytes are read in another way
_COLUMNS = ("users", "items", "ratings", "timestamps", "years")


def content_key(files: Iterable[Path]) -> str:
    """sha256 over the files' bytes, their names, and the way of reading."""
    digest = hashlib.sha256(f"{_READING}\n".encode())
    for path in files:
        with path.open("rb") as file:
            digest.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class SequenceCache:
    folder: Path
    max_bytes: int  # 0: keep nothing

    def get(self, key: str, read: Callable[[], TrainingData]) -> TrainingData:
        """The entry, else what `read` gives, which is kept."""
        path = self.folder / f"{key}.npz"
        try:
            data = _load(path)
            os.utime(path)  # used now
            return data
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
            data = read()
        self._keep(path, data)
        return data

    def _keep(self, path: Path, data: TrainingData) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f".{secrets.token_hex(8)}.tmp"
        try:
            _save(temporary, data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        self._drop_old()

    def _drop_old(self) -> None:
        """The entries that were not used for longest, until the rest fits. Others may do the same at the same time."""
        found = []
        for path in self.folder.glob("*.npz"):
            try:
                found.append((path.stat().st_mtime_ns, path.stat().st_size, path))
            except FileNotFoundError:
                continue
        total = 0
        for _, size, path in sorted(found, reverse=True):
            total += size
            if total > self.max_bytes:
                path.unlink(missing_ok=True)


def _save(path: Path, data: TrainingData) -> None:
    facts = {
        "ids": data.vocabulary.ids,
        "user_ids": data.user_ids,
        "titles": data.titles,
        "genres": data.genres,
        "attributes": data.attributes,
        "implied": sorted(data.implied),
    }
    text = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    with path.open("wb") as file:
        np.savez(file, facts=text, **{name: getattr(data, name) for name in _COLUMNS})


def _load(path: Path) -> TrainingData:
    """Raises OSError, EOFError, ValueError, KeyError or BadZipFile for anything but what `_save` writes."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        facts = json.loads(arrays["facts"].tobytes())
        return TrainingData(
            vocabulary=Vocabulary(facts["ids"]),
            user_ids=tuple(facts["user_ids"]),
            titles=tuple(facts["titles"]),
            genres=tuple(tuple(genres) for genres in facts["genres"]),
            attributes=tuple(facts["attributes"]),
            implied=frozenset(facts["implied"]),
            **{name: arrays[name] for name in _COLUMNS},
        )
