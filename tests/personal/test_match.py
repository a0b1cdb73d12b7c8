"""Which film of the catalogue an entry means."""

from __future__ import annotations

import pytest

from indexer.personal import FilmReference, Match, match
from indexer.types import Movie

CATALOGUE = [
    Movie("6", "Heat (1995)", year=1995, imdb_id="tt0113277", tmdb_id="949"),
    Movie("7", "Heat (1986)", year=1986),
    Movie("2571", "Matrix, The (1999)", year=1999, imdb_id="tt0133093"),
    Movie("29", "City of Lost Children, The (Cité des enfants perdus, La) (1995)", year=1995),
    Movie("48738", "Lilo & Stitch (2002)", year=2002),
    Movie("1", "Twins (1988)", year=1988),
    Movie("2", "Twins (1988)", year=1988),
    Movie("3", "Undated"),
]


def one(**film: object) -> Match:
    return match([FilmReference(**film)], CATALOGUE)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("film", "id", "by"),
    [
        ({"imdb_id": "tt0113277"}, "6", "IMDb id"),
        ({"tmdb_id": "949", "title": "Under another title"}, "6", "TMDB id"),
        ({"movie_id": "6"}, "6", "MovieLens id"),
        ({"movie_id": "6", "title": "Heat (1995)"}, "6", "MovieLens id"),
        ({"title": "The Matrix", "year": 1999}, "2571", "title and year"),
        ({"title": "the matrix", "year": 2000}, "2571", "title and year"),
        ({"title": "La cite des enfants perdus", "year": 1995}, "29", "title and year"),
        ({"title": "Lilo and Stitch", "year": 2002}, "48738", "title and year"),
        ({"title": "Heat", "year": 1986}, "7", "title and year"),
        ({"title": "Matrix, The (1999)"}, "2571", "title"),
        ({"title": "The Matrix", "year": 1999, "imdb_id": "tt0133093"}, "2571", "IMDb id"),
        ({"title": "Heat", "year": 1986, "imdb_id": "tt0000001"}, "7", "title and year"),
    ],
)
def test_a_film_is_found_by_its_ids_else_by_title_and_year(film: dict[str, object], id: str, by: str) -> None:
    found = one(**film)
    assert found.movie is not None
    assert (found.movie.id, found.by) == (id, by)


@pytest.mark.parametrize(
    ("film", "ids"),
    [
        ({"title": "Heat"}, {"6", "7"}),
        ({"title": "Twins", "year": 1988}, {"1", "2"}),
        ({"title": "Undated", "year": 1950}, {"3"}),
    ],
)
def test_where_several_may_be_meant_none_is_taken(film: dict[str, object], ids: set[str]) -> None:
    found = one(**film)
    assert found.movie is None
    assert {movie.id for movie in found.candidates} == ids


@pytest.mark.parametrize(
    ("film", "words"),
    [
        ({"title": "Nothing of that name", "year": 1999}, "no film of that title"),
        ({"title": "The Matrix", "year": 2021}, "of that title, but of 1999"),
        ({"imdb_id": "tt9999999"}, "its id is not in the catalogue"),
        ({"title": "Heat", "year": 1995, "imdb_id": "tt0000001"}, "but of 1986"),
    ],
    ids=["title", "year", "id", "the same title, but its id says another film"],
)
def test_what_is_not_found_says_why(film: dict[str, object], words: str) -> None:
    found = one(**film)
    assert found.movie is None
    assert not found.candidates
    assert words in found.reason


def test_an_own_id_counts_only_if_the_title_agrees() -> None:
    found = one(movie_id="6", title="The Matrix", year=1999)  # a catalogue with other ids
    assert found.movie is not None
    assert found.movie.id == "2571"
