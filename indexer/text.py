"""The text of a film that is embedded, and its hash.

A vector is current when it was made from a text with the film's hash; changing the recipe changes every hash. What
each part is worth is measured by `python -m benchmarks.texts` (docs/decisions/062-the-text-of-a-film.md).
"""

from __future__ import annotations

import hashlib

from indexer.types import Movie

TEXT_RECIPE = 1
_TAGS_READ = 20  # encoders read some 256 tokens: the first tags are the most frequent ones
_KEYWORDS_READ = 20
_CAST_READ = 4


def movie_text(movie: Movie) -> str:
    """Title, genres, tags, and what a rich catalogue adds: "Toy Story (1995). Adventure, Animation. pixar, fun"."""
    parts = (
        movie.title,
        ", ".join(movie.genres),
        ", ".join(movie.tags[:_TAGS_READ]),
        ", ".join(movie.keywords[:_KEYWORDS_READ]),
        ", ".join((*movie.director, *movie.cast[:_CAST_READ])),
        movie.overview,
    )
    return ". ".join(part for part in parts if part)


def text_hash(movie: Movie) -> str:
    """16 hex digits; equal texts of one recipe have equal hashes."""
    return hashlib.sha256(f"{TEXT_RECIPE}\n{movie_text(movie)}".encode()).hexdigest()[:16]
