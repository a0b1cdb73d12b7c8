"""What a store refuses to keep, and why: the same for both stores, so that they fail the same items.

Each function returns the reason, or None for a sound item. Where a reason is fatal the store raises it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from indexer.types import Movie, Rating, User, VectorSpace

LONGEST_ID = 128  # characters; at most 512 bytes, which is what Elasticsearch takes
_LATEST = 2**53  # seconds that JSON numbers carry exactly
_SHORTEST = 1e-9  # a shorter vector has no direction left in float32


def id_problem(identifier: str) -> str | None:
    if not 1 <= len(identifier) <= LONGEST_ID:
        return f"an id has 1 to {LONGEST_ID} characters, this one has {len(identifier)}"
    return _text_problem(identifier)


def movie_problem(movie: Movie) -> str | None:
    problem = id_problem(movie.id)
    if problem:
        return problem
    if not movie.title.strip():
        return "the title is empty"
    if movie.year is not None and not 0 <= movie.year <= 9999:
        return f"{movie.year} is not a year"
    words = (*movie.genres, *movie.tags, *movie.keywords, *movie.cast, *movie.director)
    return _text_problem("".join((movie.title, *words, movie.overview, movie.imdb_id or "", movie.tmdb_id or "")))


def rating_problem(rating: Rating) -> str | None:
    problem = id_problem(rating.movie_id)
    if problem:
        return problem
    if not (math.isfinite(rating.rating) and 0 <= rating.rating <= 5):
        return f"movie {rating.movie_id}: a rating is 0 to 5, this one is {rating.rating}"
    if not -_LATEST <= rating.timestamp <= _LATEST:
        return f"movie {rating.movie_id}: {rating.timestamp} is not a time in seconds"
    return None


def ratings_problem(user_id: str, ratings: Sequence[Rating]) -> str | None:
    return id_problem(user_id) or next(filter(None, map(rating_problem, ratings)), None)


def user_problem(user: User) -> str | None:
    return id_problem(user.id) or _text_problem("".join((*user.attributes, *user.attributes.values())))


def vector_problem(vector: np.ndarray, dimension: int) -> str | None:
    if vector.shape != (dimension,):
        return f"the vector has shape {vector.shape}, the store keeps vectors of {dimension} numbers"
    if not np.isfinite(vector).all():
        return "the vector is not finite"
    if float(np.linalg.norm(vector.astype(np.float64))) < _SHORTEST:
        return "the vector is zero"
    return None


def space_problem(present: VectorSpace, wanted: VectorSpace) -> str | None:
    if present == wanted:
        return None
    return (
        f"The store keeps vectors of {_words(present)}, these are of {_words(wanted)}: run `marquee embed --rebuild`."
    )


def _words(space: VectorSpace) -> str:
    return f"{space.model} ({space.dimension} numbers, text recipe {space.recipe})"


def _text_problem(text: str) -> str | None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return "the text is not valid Unicode"
    return None
