"""A handful of films for the contract, and vectors whose neighbours can be told by eye."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from indexer.text import text_hash
from indexer.types import Movie, MovieVector, VectorSpace

HEAT = Movie("6", "Heat (1995)", ("Action", "Crime", "Thriller"), ("bank robbery",), 1995, "tt0113277", "949")
MATRIX = Movie("2571", "Matrix, The (1999)", ("Action", "Sci-Fi", "Thriller"), (), 1999)
RELOADED = Movie("6365", "Matrix Reloaded, The (2003)", ("Action", "Sci-Fi", "Thriller"), (), 2003)
AMELIE = Movie("4973", "Amelie (Fabuleux destin d'Amélie Poulain, Le) (2001)", ("Comedy", "Romance"), ("paris",), 2001)
UP = Movie("68954", "Up (2009)", ("Adventure", "Animation"), ("pixar", "dogs"), 2009)
NOSFERATU = Movie("1348", "Nosferatu", ("Horror",))  # no year
FILMS = (HEAT, MATRIX, RELOADED, AMELIE, UP, NOSFERATU)

SPACE = VectorSpace("test@1", 3, 1)
OTHER_SPACE = VectorSpace("test@2", 4, 1)


def at(degrees: float) -> np.ndarray:
    """The unit vector (3,) at this angle: the cosine of two is that of the angle between them."""
    return np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees)), 0], np.float32)


def vector(movie: Movie, degrees: float) -> MovieVector:
    return MovieVector(movie.id, at(degrees), text_hash(movie))


def row_of_films(count: int) -> list[Movie]:
    """Films "0000", "0001", ...: each tenth is a Western, years go from 1900 on, the titles tell them apart."""
    return [
        Movie(f"{n:04}", f"Film number {n}", ("Western",) if n % 10 == 0 else ("Drama",), (), 1900 + n % 100)
        for n in range(count)
    ]


def ids(found: Sequence[object]) -> list[str]:
    return [item.id for item in found]  # type: ignore[attr-defined]
