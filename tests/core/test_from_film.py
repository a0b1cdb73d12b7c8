"""Recommendations from one film: of its genres, by keywords and predicted rating; on both wirings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core_api.wishes import Wish
from indexer.types import Movie, MovieFilter
from recommender_api.app import create_app
from recommender_api.client import HistoryColumns, PredictQuery, RankQuery
from recommender_api.engine import RecommenderEngine
from recommender_api.http import HttpRecommender
from recommender_api.settings import RecommenderSettings
from service_kit.errors import NotFound
from service_kit.http import ServiceClient
from tests.support import world
from tests.support.bad_servers import closed_port
from tests.support.live import live

FILM = "1"


@pytest.fixture(scope="module")
def service(models_dir) -> Iterator[HttpRecommender]:
    engine = RecommenderEngine(models_dir, poll_s=3600)
    with live(create_app(engine, RecommenderSettings(_env_file=None))) as url:
        client = ServiceClient("recommender", url, None, 10.0)
        yield HttpRecommender(client)
        client.close()


@pytest.fixture(params=["in the process", "over HTTP"])
def core(request, make_core, stores, recommender):
    answering = recommender if request.param == "in the process" else request.getfixturevalue("service")
    return make_core(stores, answering)


def ids(found):
    return [film.id for film, _ in found.items]


def genres_of(movie_id):
    return next(set(movie.genres) for movie in world.movies() if movie.id == movie_id)


def test_films_of_its_genres_come_before_all_others(core):
    found = core.from_film.to(FILM, None, Wish(k=39))
    known = [film for film, _ in found.items if film.id != world.UNSEEN]
    shares = [bool(set(film.genres) & genres_of(FILM)) for film in known]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) < len(shares)
    assert len(set(ids(found))) == 39  # the whole catalogue, the film itself left out


def test_keywords_alone_give_the_order_of_the_soup(core, recommender):
    found = core.from_film.to(FILM, None, Wish(k=5))
    kin = tuple(movie.id for movie in world.movies() if set(movie.genres) & genres_of(FILM))
    asked = HistoryColumns(ids=(FILM,), ratings=(5.0,), timestamps=(0,))
    expected = recommender.rank(RankQuery(history=asked, candidates=kin, k=5, model="soup"))
    assert ids(found) == [item.id for item in expected.items]
    assert (found.strategy, found.models, found.fallback_reason) == ("model", ("soup",), None)


def test_with_a_history_places_by_keywords_and_by_predicted_rating_are_added_up(core, stores, recommender):
    found = core.from_film.to(FILM, world.MANY, Wish(k=3))
    history = stores.users.history(world.MANY)
    seen = {FILM, *history.movie_ids}
    kin = tuple(movie.id for movie in world.movies() if set(movie.genres) & genres_of(FILM) and movie.id not in seen)
    asked = HistoryColumns(ids=(FILM,), ratings=(5.0,), timestamps=(0,))
    alike = [item.id for item in recommender.rank(RankQuery(history=asked, candidates=kin, k=99, model="soup")).items]
    columns = HistoryColumns(ids=history.movie_ids, ratings=history.ratings, timestamps=history.timestamps)
    predicted = recommender.predict(PredictQuery(history=columns, items=tuple(alike), model="regression")).items
    liked = [item.id for item in sorted(predicted, key=lambda item: (-item.rating, item.id))]

    def together(film):
        return 1 / (61 + alike.index(film)) + 1 / (61 + liked.index(film))

    assert ids(found) == sorted(alike, key=lambda film: (-together(film), film))[:3]
    assert found.models == ("soup", "regression")


def test_filters_hold_and_what_is_excluded_stays_out(core):
    first = ids(core.from_film.to(FILM, world.FEW, Wish(k=3)))
    where = MovieFilter(genres=frozenset({"Drama"}), year_to=2000)
    found = core.from_film.to(FILM, world.FEW, Wish(k=40, where=where, exclude=(first[0],)))
    assert found.items
    assert first[0] not in ids(found)
    assert all("Drama" in film.genres and film.year <= 2000 for film, _ in found.items)


def test_a_film_that_no_model_knows_is_answered_by_nearness(core, stores):
    stores.movies.put([Movie("new", "A New Toy (2024)", ("Animation", "Comedy"))])
    found = core.from_film.to("new", world.FEW, Wish(k=3))
    assert (found.strategy, found.fallback_reason) == ("neighbours", "unknown_films")
    assert len(found.items) == 3
    assert not set(ids(found)) & set(stores.users.history(world.FEW).movie_ids)


def test_a_film_that_nobody_has_rated_is_among_the_last(core):
    """No model knows it, so it only fills."""
    everything = ids(core.from_film.to(FILM, None, Wish(k=39)))
    assert world.UNSEEN in everything[-3:]


def test_without_a_recommender_films_that_are_near_come_and_the_reason(make_core, stores, tmp_path):
    client = ServiceClient("recommender", f"http://127.0.0.1:{closed_port()}", None, 1.0)
    without_soup = RecommenderEngine(tmp_path / "nothing", poll_s=3600)
    cases = [
        (None, "no_recommender"),
        (HttpRecommender(client), "recommender_unavailable"),
        (without_soup, "model_unavailable"),
    ]
    for recommender, reason in cases:
        core = make_core(stores, recommender)
        found = core.from_film.to(FILM, world.MANY, Wish(k=5))
        assert (found.strategy, found.models, found.fallback_reason) == ("neighbours", (), reason)
        assert len(found.items) == 5
        assert not set(ids(found)) & {FILM, *stores.users.history(world.MANY).movie_ids}
    without_soup.close()
    client.close()


def test_without_a_model_of_ratings_keywords_answer_alone(make_core, stores, recommender):
    core = make_core(stores, recommender, rating_model="transitions")  # ranks, but predicts no ratings
    found = core.from_film.to(FILM, world.MANY, Wish(k=5))
    assert (found.strategy, found.models, found.fallback_reason) == ("model", ("soup",), None)


def test_a_film_that_does_not_exist_is_not_found(core):
    with pytest.raises(NotFound, match="no such"):
        core.from_film.to("no such", None, Wish())
