"""A world with a known right answer: people like the films of one colour and not those of the other.

Every rating model must rank unseen films of a user's colour before all of the other colour. Films of one colour also
share a genre and lie near each other as texts. Everything comes from one seed.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.models.base import Query

FILMS, USERS, UNSEEN = 24, 60, 3
DIMENSION = 8


def film_ids() -> list[str]:
    """Ascending as strings; the colour of a film is that of its row."""
    return [f"film-{row:02}" for row in range(FILMS)]


def colour(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows) % 2


def of_colour(which: int) -> np.ndarray:
    """Rows of all films of a colour."""
    return np.arange(which, FILMS, 2)


@cache
def checkerboard(*, vectors: bool = True) -> TrainingData:
    """Each user rated all but UNSEEN films of their colour 4 to 5, and four of the other 0.5 to 2, in random order."""
    rng = np.random.default_rng(20)
    ids = film_ids()
    users, films, ratings, times = [], [], [], []
    for user in range(USERS):
        own = rng.permutation(of_colour(user % 2))[UNSEEN:]
        other = rng.permutation(of_colour(1 - user % 2))[:4]
        for time, film in enumerate(rng.permutation(np.concatenate([own, other]))):
            low, high = (4.0, 5.0) if film % 2 == user % 2 else (0.5, 2.0)
            users.append(f"user-{user:02}")
            films.append(ids[film])
            ratings.append(float(rng.choice(np.arange(low, high + 0.5, 0.5))))
            times.append(1_000_000 + time)
    return TrainingData.from_columns(
        users,
        films,
        ratings,
        times,
        titles={id: f"Title of {id}" for id in ids},
        genres={id: ("Black" if row % 2 else "White",) for row, id in enumerate(ids)},
        years={id: 1990 + row for row, id in enumerate(ids)},
        vectors=_vectors(rng, ids) if vectors else None,
        vector_space="checkerboard@1",
    )


def _vectors(rng: np.random.Generator, ids: list[str]) -> dict[str, np.ndarray]:
    points = rng.normal(scale=0.15, size=(FILMS, DIMENSION))
    points[:, 0] += np.where(np.arange(FILMS) % 2 == 0, 1.0, -1.0)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return dict(zip(ids, points.astype(np.float32), strict=True))


def query(*films: int, ratings: float | list[float] = 5.0, avoid: tuple[int, ...] = ()) -> Query:
    """A history of these rows, oldest first."""
    values = ratings if isinstance(ratings, list) else [ratings] * len(films)
    return Query(
        items=np.array(films, np.int64),
        ratings=np.array(values, np.float32),
        timestamps=np.arange(len(films), dtype=np.int64) + 1_000_000,
        avoid=np.array(avoid, np.int64),
    )
