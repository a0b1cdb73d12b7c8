"""The data sets that can be asked for by name, with the checksums of their archives.

The archives are GroupLens's own and have not changed for years; those without a sha256 here are checked against the
md5 that GroupLens publishes beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

_FOLDER = "https://files.grouplens.org/datasets/movielens"


@dataclass(frozen=True, slots=True)
class Archive:
    url: str
    sha256: str | None = None


_SHA256 = {
    "ml-latest-small": "696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
    "ml-100k": "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
    "ml-1m": "a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
    "ml-10m": "813c411ccb6122564edfe752e7f80c4dcc5aa25fa94c93622f6877a7ba252862",
    "ml-20m": "96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3",
    "ml-25m": "8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa",
    "ml-32m": None,
    "ml-latest": None,  # grows with the years
}

KNOWN = {name: Archive(f"{_FOLDER}/{name}.zip", sha256) for name, sha256 in _SHA256.items()}
