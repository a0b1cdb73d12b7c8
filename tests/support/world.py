"""The tests' world: the shipped demo data as plain values, read here by the csv module alone.

Tests of the readers compare with it, all others start from it: `fill(stores)` and go. Knows no reader on purpose.
"""

from __future__ import annotations

import csv
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np

import indexer.datasets
from indexer.folding import year_of
from indexer.ports import Stores
from indexer.types import Movie, MovieVector, Rating, VectorSpace

DEMO = Path(indexer.datasets.__file__).parent / "demo"
NOW = 1_700_000_000  # later than every rating of the world
MANY, FEW, ONE, NOBODY = "18", "20", "21", "4711"  # users with 26, 3, 1 and no ratings
UNSEEN = "40"  # a film that nobody has rated
SPACE = VectorSpace(model="world@1", dimension=24, recipe=1)


@cache
def movies() -> tuple[Movie, ...]:
    """All 40 films, ascending by number, with tags (most used first)."""
    tags = _tags()
    films = []
    for row in _rows("movies.csv"):
        genres = () if row["genres"] == "(no genres listed)" else tuple(row["genres"].split("|"))
        films.append(
            Movie(row["movieId"], row["title"], genres, tags.get(row["movieId"], ()), year=year_of(row["title"]))
        )
    return tuple(films)


@cache
def ratings() -> dict[str, tuple[Rating, ...]]:
    """User id -> ratings, oldest first."""
    users: dict[str, list[Rating]] = {}
    for row in _rows("ratings.csv"):
        rating = Rating(row["movieId"], float(row["rating"]), int(row["timestamp"]))
        users.setdefault(row["userId"], []).append(rating)
    return {user: tuple(sorted(rows, key=lambda rating: rating.timestamp)) for user, rows in users.items()}


@cache
def vectors() -> tuple[MovieVector, ...]:
    """A vector (24,) for each film: its genres, and a little noise so that no two films are equal."""
    from indexer.text import text_hash

    genres = sorted({genre for movie in movies() for genre in movie.genres})
    noise = np.random.default_rng(7).normal(scale=0.05, size=(len(movies()), SPACE.dimension))
    made = []
    for movie, vector in zip(movies(), noise, strict=True):
        for genre in movie.genres:
            vector[genres.index(genre)] += 1.0
        unit = (vector / np.linalg.norm(vector)).astype(np.float32)
        made.append(MovieVector(movie.id, unit, text_hash(movie)))
    return tuple(made)


def fill(stores: Stores, *, with_vectors: bool = True) -> None:
    """Put the whole world into empty stores."""
    stores.movies.put(movies())
    stores.users.merge_many(ratings().items())
    if with_vectors:
        stores.vectors.create(SPACE)
        stores.vectors.put(vectors())


def _tags() -> dict[str, tuple[str, ...]]:
    counts: dict[str, Counter[str]] = {}
    for row in _rows("tags.csv"):
        counts.setdefault(row["movieId"], Counter())[row["tag"]] += 1
    return {
        movie: tuple(sorted(counter, key=lambda tag, counter=counter: (-counter[tag], tag)))
        for movie, counter in counts.items()
    }


def _rows(name: str) -> list[dict[str, str]]:
    with (DEMO / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
