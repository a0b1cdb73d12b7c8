"""What the page is told so that it can offer choices: genres, years, where posters come from."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from core_api.settings import CoreSettings
from core_api.years import Years
from indexer.types import Movie
from tests.support import world


def test_years_are_those_of_the_films(client):
    years = sorted(movie.year for movie in world.movies() if movie.year is not None)
    told = client.get("/v1/years").json()
    assert (told["first"], told["last"]) == (years[0], years[-1])


@pytest.mark.parametrize(("films", "last", "new_since"), [(300, 1929, 1926), (2000, 2099, 2090)])
def test_the_latest_tenth_of_the_films_is_new_and_at_most_a_hundred(empty, films, last, new_since):
    empty.movies.put(Movie(f"{number}", f"Film {number}", year=1900 + number // 10) for number in range(films))
    span = Years(empty.movies).span()
    assert (span.first, span.last, span.new_since) == (1900, last, new_since)


def test_without_films_there_are_no_years(empty):
    empty.movies.put([Movie("1", "Untold")])
    span = Years(empty.movies).span()
    assert (span.first, span.last, span.new_since) == (None, None, None)


def test_posters_come_from_nowhere_unless_a_source_is_set(client):
    assert client.get("/v1/info").json()["poster_url"] is None
    assert "img-src 'self' data:;" in client.get("/").headers["content-security-policy"]


def test_a_source_of_posters_is_allowed_and_nothing_else_of_it(serve, make_core, stores):
    client = serve(make_core(stores, poster_url="https://posters.example/w200/{tmdb_id}.jpg"))
    policy = client.get("/").headers["content-security-policy"]
    assert "img-src 'self' data: https://posters.example;" in policy
    assert policy.count("posters.example") == 1
    assert client.get("/v1/info").json()["poster_url"].endswith("{tmdb_id}.jpg")


@pytest.mark.parametrize(
    "wrong",
    [
        "posters.example/{tmdb_id}",
        "https://posters.example/x.jpg",
        "https://posters.example; script-src *;/{tmdb_id}",
        "javascript:{tmdb_id}",
    ],
)
def test_a_source_that_is_no_address_is_refused(wrong):
    with pytest.raises(ValidationError, match="poster"):
        CoreSettings(_env_file=None, poster_url=wrong)


def test_the_page_is_small_and_asked_for_anew(client):
    page = client.get("/static/page.js", headers={"Accept-Encoding": "gzip"})
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["content-encoding"] == "gzip"
    again = client.get("/static/page.js", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304
