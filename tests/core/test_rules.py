"""Rules in the request, through HTTP: they hold for every strategy, fill k, show what they kept out, and page on."""

from __future__ import annotations

from collections import Counter

import pytest

from core_api import boosts
from core_api.rules import Rules
from core_api.shown import LONGEST, cursor_of, films_of
from core_api.wishes import Item
from indexer.types import Movie, MovieFilter
from service_kit.errors import InvalidRequest
from tests.support import world
from tests.support.public_contract import ids, problem

MOVIES = {movie.id: movie for movie in world.movies()}
COUNTS = Counter(rating.movie_id for ratings in world.ratings().values() for rating in ratings)
USERS = [world.MANY, world.FEW, world.NOBODY]
EVERYBODY = pytest.mark.parametrize("user", USERS)


def seen(user):
    return {rating.movie_id for rating in world.ratings().get(user, ())}


def of(client, user, **asked):
    answer = client.get(f"/v1/users/{user}/recommendations", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def films(answer):
    return [item["id"] for item in answer["items"]]


@EVERYBODY
def test_genres_are_found_however_they_are_written_and_unknown_ones_are_named(client, user):
    answer = of(client, user, k=40, genres="horror,sci fi,Horor", exclude_genres="ACTION, none")
    assert answer["unknown_genres"] == ["Horor", "none"]
    wanted = {
        id for id, film in MOVIES.items() if {"Horror", "Sci-Fi"} & {*film.genres} and "Action" not in film.genres
    }
    assert set(films(answer)) == wanted - seen(user)


@EVERYBODY
def test_a_least_number_of_ratings_is_kept_and_filled(client, user):
    enough = {id for id in MOVIES if COUNTS[id] >= 3} - seen(user)
    answer = of(client, user, k=40, min_ratings=3)
    assert set(films(answer)) == enough
    assert len(films(of(client, user, k=min(5, len(enough)), min_ratings=3))) == min(5, len(enough))


@EVERYBODY
@pytest.mark.parametrize("rules", [{}, {"genres": "drama"}, {"diversity": 0.5}, {"boost": "Horror:3"}])
def test_pages_never_overlap_and_end_with_the_last_film(client, user, rules):
    shown, cursor, pages = [], None, 0
    while True:
        answer = of(client, user, k=7, **rules, **({"cursor": cursor} if cursor else {}))
        shown += films(answer)
        pages += 1
        cursor = answer["next"]
        if cursor is None:
            break
        assert len(films(answer)) == 7
    whole = of(client, user, k=40, **rules)
    assert len(shown) == len(set(shown))
    assert set(shown) == set(films(whole))
    assert pages >= len(shown) // 7


def test_pages_do_not_overlap_while_ratings_change_in_between(client):
    shown, cursor = [], None
    for place in range(4):
        answer = of(client, world.MANY, k=3, **({"cursor": cursor} if cursor else {}))
        assert not set(films(answer)) & set(shown)
        shown += films(answer)
        cursor = answer["next"]
        rated = {world.MANY: {"movie_id": [films(answer)[0], "39"], "ratings": [5, place]}}
        assert client.post("/update_ratings", json=rated).status_code == 200
    assert len(shown) == 12


def test_a_cursor_of_a_thousand_films_fits_into_a_url_and_another_text_is_no_cursor(client):
    shown = tuple(f"{number * 7919 % 10_000_000}" for number in range(1000))
    cursor = cursor_of(shown)
    assert cursor is not None
    assert len(cursor) < LONGEST / 4
    assert films_of(cursor) == shown
    assert cursor_of([f"{number:0128}{'é' * 50}{hash(str(number))}" for number in range(10_000)]) is None
    for wrong in ("nonsense", cursor[:-8], "e30=", cursor_of(["1"])[:-4] + "AAAA"):
        with pytest.raises(InvalidRequest):
            films_of(wrong)
    asked = {"cursor": "nonsense"}
    assert "cursor" in problem(client.get(f"/v1/users/{world.MANY}/recommendations", params=asked), 422)["detail"]


@EVERYBODY
def test_what_was_kept_out_is_told_by_rule(client, user):
    free = films(of(client, user, k=40))
    rules = {"exclude": free[0], "avoid": free[1], "genres": "drama", "year_to": 2010, "min_ratings": 2}
    answer = of(client, user, k=5, filtered=True, **rules)
    told = {out["rule"]: out for out in answer["filtered"]["rules"]}
    assert answer["filtered"]["of"] == len(free)
    assert ("seen" in told) == bool(seen(user))
    if user != world.NOBODY:
        assert told["seen"]["count"] == len(seen(user))
        assert {movie["id"] for movie in told["seen"]["movies"]} <= seen(user)
    assert told["exclude"]["movies"] == [{"id": free[0], "title": MOVIES[free[0]].title}]
    assert told["avoid"]["count"] == 1
    assert told["genres"]["count"] == sum("Drama" not in MOVIES[id].genres for id in free[2:])
    late = [id for id in free[2:] if "Drama" in MOVIES[id].genres and not (MOVIES[id].year or 9999) <= 2010]
    assert told.get("years", {"count": 0})["count"] == len(late)
    kept_out = sum(out["count"] for rule, out in told.items() if rule != "seen")
    assert set(films(of(client, user, k=40, **rules))) >= set(films(answer))
    assert len(films(of(client, user, k=40, **rules))) == len(free) - kept_out
    assert of(client, user)["filtered"] is None


@EVERYBODY
def test_a_boost_moves_films_by_their_places(client, user):
    free = films(of(client, user, k=40))
    answer = of(client, user, k=10, boost=["horror:2", "Sci-Fi:0.5", "Drame:3"])
    assert answer["unknown_genres"] == ["Drame"]
    factors = {"Horror": 2.0, "Sci-Fi": 0.5}
    expected = sorted(free, key=lambda id: (free.index(id) + 1) / boosts.factor(MOVIES[id].genres, factors))
    assert films(answer) == expected[:10]
    body = {"sequence": ["1", "2"], "boost": {"Horror": 2, "Sci-Fi": 0.5}}
    assert len(ids(client.post("/v1/recommendations", json=body))) == 10


def test_a_boost_looks_deep_enough_and_no_deeper():
    assert boosts.depth(10, {}) == 10
    assert boosts.depth(10, {"Horror": 1.5}) == 15
    assert boosts.depth(10, {"Horror": 2.0, "Drama": 0.5}) == 40
    assert boosts.depth(10, {"A": 5.0, "B": 5.0}) == 50
    assert boosts.depth(1000, {"A": 5.0, "B": 0.2}) == 2000
    items = [Item(Movie(str(place), "Film", ("Horror",) if place == 9 else ()), 1.0) for place in range(1, 11)]
    assert [item.movie.id for item in boosts.boosted(items, {"Horror": 3.0})][:4] == ["1", "2", "3", "9"]


@pytest.mark.parametrize(
    "asked",
    [
        {"boost": "Horror"},
        {"boost": ":2"},
        {"boost": "Horror:7"},
        {"boost": "Horror:nan"},
        {"min_ratings": -1},
        {"filtered": "perhaps"},
        {"model": "tureen"},
    ],
)
def test_a_rule_that_cannot_be_is_named(client, asked):
    answer = client.get(f"/v1/users/{world.MANY}/recommendations", params=asked)
    assert next(iter(asked)) in problem(answer, 422)["detail"]


def test_a_film_counts_under_the_first_rule_that_it_breaks():
    rules = Rules(
        MovieFilter(genres=frozenset({"Drama"}), exclude_genres=frozenset({"War"}), year_from=2000),
        {"seen": ["1"], "exclude": ["1", "2"]},
        min_ratings=2,
        counts={"1": 9, "5": 2},
    )
    film = Movie("5", "Good", ("Drama",), year=2000)
    assert rules.broken_by(film) is None
    assert rules.broken_by(Movie("1", "Seen")) == "seen"
    assert rules.broken_by(Movie("2", "Excluded")) == "exclude"
    assert rules.broken_by(Movie("3", "Other genre", ("War",), year=1999)) == "genres"
    assert rules.broken_by(Movie("3", "War", ("War", "Drama"), year=1999)) == "exclude_genres"
    assert rules.broken_by(Movie("3", "Old", ("Drama",), year=1999)) == "years"
    assert rules.broken_by(Movie("3", "Of no year", ("Drama",))) == "years"
    assert rules.broken_by(Movie("3", "Obscure", ("Drama",), year=2000)) == "min_ratings"


def test_similar_films_and_search_keep_the_rules_too(client):
    near = client.get("/v1/movies/1/similar", params={"k": 40, "genres": "drama", "exclude": "2", "min_ratings": 2})
    expected = {id for id, film in MOVIES.items() if "Drama" in film.genres and COUNTS[id] >= 2} - {"1", "2"}
    assert set(ids(near)) == expected
    spread = ids(client.get("/v1/movies/1/similar", params={"k": 5, "diversity": 1}))
    assert spread != ids(client.get("/v1/movies/1/similar", params={"k": 5}))
    for mode in ("title", "semantic", "hybrid"):
        found = client.get(
            "/v1/movies", params={"q": "the", "mode": mode, "k": 40, "min_ratings": 3, "genres": "DRAMA"}
        )
        assert all(COUNTS[id] >= 3 and "Drama" in MOVIES[id].genres for id in ids(found))
    assert client.get("/v1/movies", params={"q": "the", "genres": "Drame"}).json()["unknown_genres"] == ["Drame"]


def test_the_genres_of_the_catalogue_are_told_and_follow_it(client):
    counts = Counter(genre for film in MOVIES.values() for genre in film.genres)
    told = {genre["name"]: genre["movies"] for genre in client.get("/v1/genres").json()["genres"]}
    assert told == counts
    client.post("/update_movie", json={"new": {"title": "New", "genres": "Mumblecore"}})
    assert "new" in films(of(client, world.FEW, k=40, genres="Mumblecore"))


def test_every_get_can_be_asked_for_its_head(client):
    for path in ("/", "/healthz/live", "/v1/genres", f"/recommendations?user_id={world.MANY}", "/v1/movies/1"):
        whole, head = client.get(path), client.head(path)
        assert head.status_code == whole.status_code == 200
        assert head.content == b""
        assert head.headers["content-length"] == whole.headers["content-length"]
    assert client.head("/v1/movies/nothing").status_code == 404
    assert client.head("/update_ratings").status_code == 405
