"""Which strategy answers, and what is true of every answer. Real store, real recommender with a small trained model."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from core_api.catalogue import MovieChange
from core_api.preparation import TRAINING_RECORD
from core_api.rate import NewRating
from core_api.settings import CoreSettings
from core_api.wishes import Wish
from indexer import open_stores, statistics
from indexer.embed import embed_pending
from indexer.types import Movie, MovieFilter, Rating
from recommender_api.data import read_training_data
from recommender_api.engine import RecommenderEngine
from recommender_api.model_files import activate
from recommender_api.training import train
from service_kit.errors import InvalidRequest
from tests.support import world

ALL = [movie.id for movie in world.movies()]


@pytest.fixture
def core(make_core, stores, recommender, embedder):
    return make_core(stores, recommender, embedder)


@pytest.fixture
def genre_core(make_core, empty):
    """The world with vectors that are its genres: who likes one genre is near to the rest of it."""
    world.fill(empty)
    statistics.write(empty, statistics.compute(empty))
    return make_core(empty)


def ids(answer):
    return [item.movie.id for item in answer.items]


def rate(core, user, **ratings):
    core.ratings.add({user: [NewRating(name.removeprefix("_"), stars) for name, stars in ratings.items()]})


def test_the_classic_walk(make_core, empty):
    core = make_core(empty)
    core.catalogue.update({"1": MovieChange(title="One"), "2": MovieChange(title="Two")})
    rated = core.ratings.add({"9": [NewRating(film, 4.0) for film in ("1", "3", "6")]})
    assert rated.unknown_movies == ("3", "6")
    assert ids(core.recommend.for_user("9", Wish())) == ["2"]


@pytest.mark.parametrize(
    ("user", "strategy", "reason"),
    [
        (world.MANY, "model", None),
        (world.FEW, "neighbours", None),
        (world.ONE, "neighbours", None),
        (world.NOBODY, "popular", "no_history"),
    ],
)
def test_the_strategy_is_chosen_by_what_is_known_and_by_the_threshold(core, user, strategy, reason):
    answer = core.recommend.for_user(user, Wish())
    assert (answer.strategy, answer.fallback_reason) == (strategy, reason)
    assert (answer.model == "transitions") == (strategy == "model")


def test_by_default_the_model_answers_from_the_first_rating_on(make_core, stores, recommender):
    core = make_core(stores, recommender, model_threshold=CoreSettings(_env_file=None).model_threshold)
    assert core.recommend.for_user(world.ONE, Wish()).strategy == "model"
    assert core.recommend.for_user(world.NOBODY, Wish()).strategy == "popular"


def test_who_rated_only_films_that_the_model_does_not_know_gets_what_is_near_to_them(
    make_core, stores, recommender, embedder
):
    core = make_core(stores, recommender, embedder, model_threshold=1)
    core.catalogue.update({"new": MovieChange(title="Nobody rated this yet", genres=("Drama",))})
    rate(core, "early", _new=5.0)
    answer = core.recommend.for_user("early", Wish())
    assert (answer.strategy, answer.fallback_reason) == ("neighbours", "unknown_films")
    assert len(answer.items) == 10


@pytest.mark.parametrize("model", [None, "popular", "neighbours", "transitions", "model"])
@pytest.mark.parametrize("user", [world.MANY, world.FEW, world.ONE, world.NOBODY])
@pytest.mark.parametrize("k", [1, 10, 100])
def test_an_answer_is_full_and_holds_nothing_seen(core, stores, user, model, k):
    answer = core.recommend.for_user(user, Wish(k=k, model=model))
    seen = set(stores.users.history(user).movie_ids)
    assert len(set(ids(answer))) == len(answer.items) == min(k, len(set(ALL) - seen))
    assert not seen & set(ids(answer))
    scores = [item.score for item in answer.items]
    assert scores == sorted(scores, reverse=True)


def test_who_has_rated_all_gets_nothing(core):
    core.ratings.add({"all": [NewRating(film, 3.0) for film in ALL]})
    assert core.recommend.for_user("all", Wish()).items == ()


@pytest.mark.parametrize("user", [world.MANY, world.FEW, world.NOBODY])
def test_a_model_that_does_not_exist_is_a_mistake_that_names_those_that_do(core, user):
    with pytest.raises(InvalidRequest, match=r"no model 'tureen' is stored \(there are: .*transitions\).* popular"):
        core.recommend.for_user(user, Wish(model="tureen"))


def test_a_model_that_is_being_trained_is_fallen_back_from(core):
    with core.preparation.training():
        answer = core.recommend.for_user(world.MANY, Wish(model="bert4rec"))
    assert (answer.strategy, answer.fallback_reason) == ("neighbours", "model_training")


def test_no_active_model_is_a_degradation_unless_training_chose_none(make_core, stores, tmp_path):
    engine = RecommenderEngine(tmp_path / "no models")
    core = make_core(stores, engine)
    assert "no model is active" in core.readiness().degraded["recommender"]
    stores.meta.write(TRAINING_RECORD, {"chosen": None})
    assert "recommender" not in core.readiness().degraded
    engine.close()


def test_while_a_model_is_trained_the_reason_says_so(make_core, stores, tmp_path):
    engine = RecommenderEngine(tmp_path / "no models")
    core = make_core(stores, engine)
    with core.preparation.training():
        answer = core.recommend.for_user(world.MANY, Wish())
    assert (answer.strategy, answer.fallback_reason) == ("neighbours", "model_training")
    assert core.recommend.for_user(world.MANY, Wish()).fallback_reason == "model_unavailable"
    engine.close()


def test_without_vectors_the_popular_films_come(make_core, empty):
    world.fill(empty, with_vectors=False)
    statistics.write(empty, statistics.compute(empty))
    answer = make_core(empty).recommend.for_user(world.FEW, Wish())
    assert (answer.strategy, answer.fallback_reason) == ("popular", "no_vectors")
    assert len(answer.items) == 10


def test_who_liked_nothing_gets_popular_films(core):
    rate(core, "grump", _3=0.5, _4=1.0)
    answer = core.recommend.for_user("grump", Wish())
    assert (answer.strategy, answer.fallback_reason) == ("popular", "nothing_liked")


def test_neighbours_follow_the_taste(genre_core):
    horror = [movie.id for movie in world.movies() if "Horror" in movie.genres][:2]
    children = [movie.id for movie in world.movies() if "Children" in movie.genres][:2]
    for user, films in (("dark", horror), ("mild", children)):
        genre_core.ratings.add({user: [NewRating(film, 5.0) for film in films]})
    dark, mild = (ids(genre_core.recommend.for_user(user, Wish(k=8))) for user in ("dark", "mild"))
    genres = {movie.id: movie.genres for movie in world.movies()}
    assert sum("Horror" in genres[film] for film in dark) > sum("Horror" in genres[film] for film in mild)
    assert sum("Children" in genres[film] for film in mild) > sum("Children" in genres[film] for film in dark)


def test_a_low_rating_does_not_pull_its_neighbours_up(genre_core):
    horror = [movie.id for movie in world.movies() if "Horror" in movie.genres]
    scifi = [movie.id for movie in world.movies() if "Sci-Fi" in movie.genres and "Horror" not in movie.genres][:3]
    base = [NewRating(film, 4.5) for film in scifi]
    low, high = [*base, NewRating(horror[0], 0.5)], [*base, NewRating(horror[0], 5)]
    genre_core.ratings.add({"plain": base, "low": low, "high": high})

    def places(user):
        order = ids(genre_core.recommend.for_user(user, Wish(k=len(ALL), exclude=(horror[0],))))
        return sum(order.index(film) for film in horror[1:])

    assert places("low") >= places("plain") > places("high")


@pytest.mark.parametrize("films", [3, 25])
def test_changing_a_five_to_a_half_changes_the_ranking(core, films):
    chosen = ALL[:films]
    core.ratings.add({"u": [NewRating(film, 4.0 if place else 5.0, 1000 + place) for place, film in enumerate(chosen)]})
    before = ids(core.recommend.for_user("u", Wish(k=15)))
    core.ratings.put("u", chosen[0], 0.5)
    core_again = core.recommend.for_user("u", Wish(k=15))
    assert core_again.strategy == ("neighbours" if films < 20 else "model")
    assert ids(core_again) != before


@pytest.mark.parametrize("user", [*world.ratings()])
def test_a_film_added_after_training_reaches_every_user(core, stores, embedder, user):
    history = world.ratings()[user]
    liked = max(history, key=lambda rating: (rating.rating, rating.timestamp)).movie_id
    model = stores.movies.get([liked])[liked]
    stores.movies.put([replace(model, id="new")])
    embed_pending(stores, embedder, ids=["new"])
    assert "new" in ids(core.recommend.for_user(user, Wish(k=10)))


def test_new_films_stay_out_where_the_setting_says_so(make_core, stores, recommender, embedder):
    core = make_core(stores, recommender, embedder, cold_weight=0)
    liked = max(world.ratings()[world.MANY], key=lambda rating: rating.rating).movie_id
    stores.movies.put([replace(stores.movies.get([liked])[liked], id="new")])
    embed_pending(stores, embedder, ids=["new"])
    found = ids(core.recommend.for_user(world.MANY, Wish(k=20)))
    assert set(found[-2:]) == {"new", world.UNSEEN}  # with the rest of the catalogue, where nothing ranks any more


def test_filters_hold_and_fill_up_from_what_passes(core):
    where = MovieFilter(genres=frozenset({"Horror"}), year_to=2015)
    passing = [movie.id for movie in world.movies() if "Horror" in movie.genres and (movie.year or 9999) <= 2015]
    for user in (world.MANY, world.FEW, world.NOBODY):
        seen = {rating.movie_id for rating in world.ratings().get(user, ())}
        found = ids(core.recommend.for_user(user, Wish(k=40, where=where)))
        assert set(found) == set(passing) - seen


def test_what_is_avoided_or_excluded_never_comes(core):
    best = ids(core.recommend.for_user(world.FEW, Wish(k=5)))
    again = ids(core.recommend.for_user(world.FEW, Wish(k=30, avoid=(best[0],), exclude=(best[1],))))
    assert not {best[0], best[1]} & set(again)


def test_reasons_are_films_that_the_user_liked(core):
    answer = core.recommend.for_user(world.MANY, Wish(explain=True))
    liked = {rating.movie_id for rating in world.ratings()[world.MANY] if rating.rating >= 3}
    because = {film.id for item in answer.items for film in item.because}
    assert because
    assert because <= liked


# What is kept for repeated requests is never stale.


def test_a_repeated_request_is_answered_from_memory(core):
    for user in (world.MANY, world.FEW, world.NOBODY):
        assert core.recommend.for_user(user, Wish()) is core.recommend.for_user(user, Wish())
        assert core.recommend.for_user(user, Wish()) is not core.recommend.for_user(user, Wish(k=9))


def test_a_rating_a_film_and_a_deletion_show_at_once(core, stores):
    first = ids(core.recommend.for_user(world.MANY, Wish()))
    core.ratings.put(world.MANY, first[0], 4.0)
    assert first[0] not in ids(core.recommend.for_user(world.MANY, Wish()))
    core.catalogue.delete(first[1])
    assert first[1] not in ids(core.recommend.for_user(world.MANY, Wish()))
    stores.movies.put([Movie(first[2], "Renamed (1999)")])
    titles = [item.movie.title for item in core.recommend.for_user(world.MANY, Wish()).items]
    assert "Renamed (1999)" in titles


def test_an_undone_rating_gives_the_former_answer_back(core):
    before = ids(core.recommend.for_user(world.MANY, Wish()))
    core.ratings.put(world.MANY, before[0], 4.0)
    core.recommend.for_user(world.MANY, Wish())
    core.ratings.remove(world.MANY, before[0])
    assert ids(core.recommend.for_user(world.MANY, Wish())) == before


def test_a_write_by_another_process_shows_at_once(core, tmp_path):
    first = ids(core.recommend.for_user(world.FEW, Wish()))
    other = open_stores(f"sqlite:///{tmp_path}/world.db")
    other.users.merge(world.FEW, [Rating(first[0], 4.0, world.NOW)])
    other.movies.delete([first[1]])
    other.close()
    assert not {first[0], first[1]} & set(ids(core.recommend.for_user(world.FEW, Wish())))


def test_a_new_model_version_answers_at_once(make_core, stores, models_dir, tmp_path):
    own = tmp_path / "models"
    shutil.copytree(models_dir, own)
    data = read_training_data(models_dir.parent / "export")
    engine = RecommenderEngine(own)
    core = make_core(stores, engine)
    before = core.recommend.for_user(world.MANY, Wish())
    stored = train("transitions", data, {"decay": 30.0}, models_dir=own).stored
    activate(own, stored.name, stored.version)
    engine.reload()
    after = core.recommend.for_user(world.MANY, Wish())
    assert before.model_version != after.model_version == stored.version
    engine.close()


def test_the_cache_is_bounded(make_core, stores, recommender):
    core = make_core(stores, recommender, ranking_cache=3)
    for k in range(1, 10):
        core.recommend.for_user(world.FEW, Wish(k=k))
    assert len(core.recommend._cache) == 3


@pytest.mark.parametrize("strategy", ["popular", "neighbours", "model"])
def test_no_film_is_of_the_year_0_or_before(client, strategy):
    asked = {"year_to": 0, "model": strategy}
    assert client.get(f"/v1/users/{world.MANY}/recommendations", params=asked).json()["items"] == []
