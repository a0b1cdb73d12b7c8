"""Titles, genres and users of MovieLens that lie beside a file of sequences: movies.dat or movies.csv, users.dat.

The copies of ML-1M that SASRec and BERT4Rec take number users and films anew; `sas_to_original_items.txt` and
`sas_to_original_users.txt` ("new old" lines) lead back. The ids stay those of the file, only the facts are looked up.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from recommender_api.data import TrainingData

_ITEMS, _USERS = "sas_to_original_items.txt", "sas_to_original_users.txt"
_BESIDE = (_ITEMS, _USERS, "movies.dat", "movies.csv", "users.dat")
_NO_GENRES = "(no genres listed)"
_YEAR = re.compile(r"\((\d{4})\)\s*$")
_USER_COLUMNS = ("gender", "age", "occupation", "zip_code")


def files_beside(path: Path) -> list[Path]:
    """Which of the files that `read_facts` reads are there: they belong to the content."""
    return [file for name in _BESIDE if (file := path.parent / name).is_file() and file != path]


def read_facts(path: Path, data: TrainingData, *, renumbered: bool) -> TrainingData:
    """The data with what is known of its films and users. `renumbered`: its numbers mean nothing without a mapping."""
    folder = path.parent
    if renumbered and not (folder / _ITEMS).is_file():
        return data
    films, users = _films(folder), _users(folder)
    of_film = _mapping(folder / _ITEMS) if renumbered else {}
    of_user = _mapping(folder / _USERS) if renumbered else {}
    found = [films.get(of_film.get(id, id), ("", ())) for id in data.vocabulary.ids]
    years = [int(match[1]) if (match := _YEAR.search(title)) else 0 for title, _ in found]
    attributes = tuple(users.get(of_user.get(id, id), {}) for id in data.user_ids)
    return replace(
        data,
        titles=tuple(title for title, _ in found),
        genres=tuple(genres for _, genres in found),
        years=np.array(years, np.int64),
        attributes=attributes if any(attributes) else (),
    )


def _mapping(path: Path) -> dict[str, str]:
    return {new: old for new, old, *_ in _rows(path, None)}


def _users(folder: Path) -> dict[str, Mapping[str, str]]:
    rows = _rows(folder / "users.dat", "::")
    return {user: dict(zip(_USER_COLUMNS, values, strict=False)) for user, *values in rows}


def _films(folder: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Film id -> title and genres, of movies.dat, else of movies.csv."""
    rows: Iterator[list[str]] = _rows(folder / "movies.dat", "::")
    if not (folder / "movies.dat").is_file():
        rows = _table(folder / "movies.csv")
    return {film: (title, _genres(genres)) for film, title, genres, *_ in (row for row in rows if len(row) > 2)}


def _genres(text: str) -> tuple[str, ...]:
    return () if text == _NO_GENRES else tuple(genre for genre in text.split("|") if genre)


def _rows(path: Path, separator: str | None) -> Iterator[list[str]]:
    """Latin-1, as MovieLens 1M is written."""
    if path.is_file():
        with path.open(encoding="latin-1") as file:
            yield from (line.rstrip("\n").split(separator) for line in file if line.strip())


def _table(path: Path) -> Iterator[list[str]]:
    if path.is_file():
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                yield [row.get(name) or "" for name in ("movieId", "title", "genres")]
