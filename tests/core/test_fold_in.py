"""One new rating changes the next ranking of every model, without training: through the public API, on a real store.

Every registered ranker is tried, the example package's too, so a new model is in here with its line in the registry.
One that answers everybody alike declares `personal = False`, and then must.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from core_api.app import create_app
from core_api.core import Core
from core_api.settings import CoreSettings
from indexer import open_stores, statistics
from indexer.export import export
from indexer.ports import Stores
from indexer.text import text_hash
from indexer.types import Movie, MovieVector, Rating, VectorSpace
from recommender_api.data import TrainingData, read_training_data
from recommender_api.engine import RecommenderEngine
from recommender_api.models.base import is_personal
from recommender_api.models.registry import RANKERS, options_class, ranker_class
from recommender_api.testing.checkerboard import checkerboard
from recommender_api.training import train
from tests.plugins.conftest import example_folder, looked_up_anew, my_ranker
from tests.support.client import TestClient

__all__ = ["example_folder", "looked_up_anew", "my_ranker"]

pytestmark = pytest.mark.slow

OURS_AND_THEIRS = [*sorted(RANKERS), "my_ranker"]
SMALL = {"epochs": 20, "hidden_size": 8, "heads": 1, "layers": 1, "max_length": 20, "rounds": 8}
BEFORE = {"film-00": 5.0, "film-02": 4.5, "film-05": 1.0}  # what the new user has rated: they like the even colour


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, TrainingData, Path]]:
    """The API over a store with the checkerboard, what can be learned from it, and where models are kept."""
    folder = tmp_path_factory.mktemp("fold-in")
    stores = open_stores(f"sqlite:///{folder}/world.db")
    fill(stores, checkerboard())
    export(stores, folder / "export")
    engine = RecommenderEngine(folder / "models", poll_s=3600)
    core = Core(stores, engine, None, CoreSettings(_env_file=None, cold_weight=0.0, request_deadline_s=60))
    with TestClient(create_app(core)) as client:
        yield client, read_training_data(folder / "export"), folder / "models"
    engine.close()
    stores.close()


def fill(stores: Stores, data: TrainingData) -> None:
    films = [
        Movie(id, title, genres, year=int(year))
        for id, title, genres, year in zip(data.vocabulary.ids, data.titles, data.genres, data.years, strict=True)
    ]
    stores.movies.put(films)
    for history in data.histories():
        columns = zip(history.items, history.ratings, history.timestamps, strict=True)
        rated = [Rating(films[row].id, float(rating), int(time)) for row, rating, time in columns]
        stores.users.merge(data.user_ids[history.user], rated)
    assert data.vectors is not None
    stores.vectors.create(VectorSpace(model="checkerboard@1", dimension=data.vectors.shape[1], recipe=1))
    vectors = zip(films, data.vectors, strict=True)
    stores.vectors.put([MovieVector(film.id, vector, text_hash(film)) for film, vector in vectors])
    statistics.write(stores, statistics.compute(stores))


@pytest.mark.parametrize("name", OURS_AND_THEIRS)
def test_a_new_rating_changes_the_next_ranking(name, world, my_ranker):
    client, data, models_dir = world
    known = {field.name for field in dataclasses.fields(options_class(name))}
    train(name, data, {key: value for key, value in SMALL.items() if key in known}, models_dir=models_dir)
    user = f"/v1/users/new-{name}"
    for film, rating in BEFORE.items():
        assert client.put(f"{user}/ratings/{film}", json={"rating": rating}).is_success

    before = ranking(client, user, name)
    changed = "film-07"  # of the odd colour
    assert client.put(f"{user}/ratings/{changed}", json={"rating": 5.0}).is_success
    after = ranking(client, user, name)

    others = [film for film in before if film != changed]
    assert sorted(after) == sorted(others)
    assert (after != others) == is_personal(ranker_class(name))


def ranking(client: TestClient, user: str, model: str) -> list[str]:
    """All films that are left, best first, as this model ranks them."""
    answer = client.get(f"{user}/recommendations", params={"k": 40, "model": model}).json()
    assert (answer["strategy"], answer["model"], answer["fallback_reason"]) == ("model", model, None)
    return [item["id"] for item in answer["items"]]
