"""What is evaluated under the names popular and neighbours ranks as what is served under them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from core_api import popular
from core_api.neighbours import Neighbours as ServedNeighbours
from core_api.rules import SEEN, Rules
from indexer import statistics
from indexer.open import open_stores
from marquee.strategies import Neighbours, Popular, decayed_statistics, strategies
from marquee.wiring import store_settings
from recommender_api.data import TrainingData
from recommender_api.evaluation.protocols import LeaveOneOut
from recommender_api.models.base import Query
from tests.support import world


@pytest.fixture
def stores(tmp_path: Path):
    opened = open_stores(f"sqlite:///{tmp_path}/s.db")
    world.fill(opened)
    yield opened
    opened.close()


@pytest.fixture
def data() -> TrainingData:
    rows = [(user, rating) for user, ratings in world.ratings().items() for rating in ratings]
    return TrainingData.from_columns(
        [user for user, _ in rows],
        [rating.movie_id for _, rating in rows],
        [rating.rating for _, rating in rows],
        [rating.timestamp for _, rating in rows],
        vectors={vector.movie_id: vector.vector for vector in world.vectors()},
    )


def query_of(data: TrainingData, user: str) -> Query:
    ratings = world.ratings()[user]
    rows, _ = data.vocabulary.rows([rating.movie_id for rating in ratings])
    return Query(rows, np.array([rating.rating for rating in ratings], np.float32))


def test_popularity_from_columns_is_the_store_s(stores, data):
    from_store, from_columns = statistics.compute(stores), decayed_statistics(data, statistics.HALF_LIFE_DAYS)
    served = dict(zip(from_store.movie_ids, popular.scores(from_store), strict=True))
    measured = dict(zip(from_columns.movie_ids, popular.scores(from_columns), strict=True))
    assert measured == pytest.approx(served, rel=1e-5)


@pytest.mark.parametrize("user", [world.MANY, world.FEW])
def test_neighbours_from_columns_rank_as_the_served_ones(stores, data, user):
    statistics.write(stores, statistics.compute(stores))
    seen = {rating.movie_id for rating in world.ratings()[user]}
    strategy = ServedNeighbours(stores, popular.Popular(stores), cold_weight=0.0)
    served = strategy.ranked(stores.users.history(user), (), Rules(kept_out={SEEN: seen}), 40)
    measured = Neighbours(data, Popular(data, statistics.HALF_LIFE_DAYS)).scores(query_of(data, user))
    rows, unknown = data.vocabulary.rows([film.id for film in served])
    assert set(unknown) <= {world.UNSEEN}  # the data holds only films that somebody rated
    expected = [film.score for film in served if film.id not in unknown]
    np.testing.assert_allclose(measured[rows], expected, atol=1e-5)


def test_who_liked_nothing_gets_the_order_of_the_popular_films(data):
    most_popular = Popular(data, statistics.HALF_LIFE_DAYS)
    hated = Query(np.arange(3), np.zeros(3, np.float32))
    order = np.argsort(-Neighbours(data, most_popular).scores(hated), kind="stable")
    np.testing.assert_array_equal(order, np.argsort(-most_popular.scores(hated), kind="stable"))


def test_the_half_life_of_the_settings_holds_where_popularity_is_loaded_and_where_it_is_evaluated(
    home, marquee, monkeypatch, data
):
    monkeypatch.setenv("MARQUEE_HALF_LIFE_DAYS", "3")
    assert marquee("load", "demo").code == 0
    with closing(open_stores(store_settings(None).url)) as stores:
        loaded, expected = statistics.read(stores), statistics.compute(stores, 3)
        assert loaded.popularity == expected.popularity != statistics.compute(stores).popularity
    split = LeaveOneOut(min_ratings=1).split(data)
    evaluated = strategies(split)["popular"].scores(Query())
    assert (evaluated == Popular(split.train, 3).scores(Query())).all()
    assert (evaluated != Popular(split.train, statistics.HALF_LIFE_DAYS).scores(Query())).any()
