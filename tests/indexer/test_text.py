"""The text of a film, and the hash that tells whether its vector is current."""

from __future__ import annotations

from dataclasses import replace

from indexer.text import movie_text, text_hash
from indexer.types import Movie

FILM = Movie("1", "Toy Story (1995)", ("Adventure", "Animation"), ("pixar", "fun"), 1995)


def test_the_text_is_title_genres_and_the_first_tags() -> None:
    assert movie_text(FILM) == "Toy Story (1995). Adventure, Animation. pixar, fun"
    assert movie_text(Movie("1", "Bare")) == "Bare"
    many = replace(FILM, tags=tuple(str(n) for n in range(100)))
    assert movie_text(many).endswith(", 19")


def test_the_hash_changes_with_the_text_and_with_nothing_else() -> None:
    same = replace(FILM, id="2", year=None, imdb_id="tt1", tmdb_id="1")
    others = [replace(FILM, title="Toy"), replace(FILM, genres=()), replace(FILM, tags=("fun", "pixar"))]
    assert text_hash(same) == text_hash(FILM)
    assert len({text_hash(film) for film in (FILM, *others)}) == 4
    assert len(text_hash(FILM)) == 16
