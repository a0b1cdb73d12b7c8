"""Reasons are measured, not decorative: what is named must carry. On MovieLens latest-small, 500 recommendations for
each ranker, by the benchmark's own function; and the choice among drops by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import reasons
from benchmarks.rankers import read
from indexer.types import History
from recommender_api.data import TrainingData
from recommender_api.engine import RecommenderEngine
from recommender_api.explaining import carriers, explained
from recommender_api.model_files import activate, save_version
from recommender_api.models.base import Query
from recommender_api.models.registry import options_class, ranker_class
from recommender_api.models.transitions import Transitions
from recommender_api.testing.checkerboard import checkerboard
from tests.support.real_data import real_dataset

FITTED_IN_SECONDS = ("transitions", "item_knn", "ease", "mf")  # the others: python -m benchmarks.reasons


def test_the_strongest_is_named_first_and_another_only_if_it_comes_near() -> None:
    drops = np.array([[0.1, 0.5, 0.3, -1.0], [0.0, -0.2, 0.0, 0.0], [2.0, 2.0, 2.0, 0.5]], np.float32)
    assert [chosen.tolist() for chosen in carriers(drops, 2)] == [[1, 2], [], [0, 1]]
    assert [chosen.tolist() for chosen in carriers(drops, 4)] == [[1, 2], [], [0, 1, 2]]
    assert carriers(np.full((1, 3), 1e-9), 2)[0].tolist() == [0, 1]  # small beside nothing is not noise
    assert carriers(np.array([[1e-9, 0.0], [1.0, 0.0]]), 2)[0].tolist() == []


def test_only_liked_films_are_reasons_and_only_the_latest_are_looked_at() -> None:
    ranker = Transitions.fit(checkerboard())
    query = Query(items=np.array([0, 2, 4, 6]), ratings=np.array([5, 0.5, 5, 5], np.float32), timestamps=np.arange(4))
    items = np.array([8, 10])
    assert {film for films in explained(ranker, query, items, 4, 50) for film in films} <= {0, 4, 6}
    assert {film for films in explained(ranker, query, items, 4, 1) for film in films} == {6}
    assert explained(ranker, Query(), items, 2, 50) == [[], []]


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return read(real_dataset("ml-latest-small"))


@pytest.mark.slow
@pytest.mark.timeout(1200)  # seconds alone, minutes on a machine that is busy
@pytest.mark.parametrize("name", FITTED_IN_SECONDS)
def test_without_the_named_film_the_score_falls_and_further_than_without_another(
    name: str, data: TrainingData, tmp_path: Path
) -> None:
    stored = save_version(tmp_path, ranker_class(name).fit(data, options_class(name)()), {})
    activate(tmp_path, name, stored.version)
    engine = RecommenderEngine(tmp_path, poll_s=3600)
    ids = data.vocabulary.ids
    histories = [
        History(
            tuple(ids[row] for row in history.items),
            tuple(map(float, history.ratings)),
            tuple(map(int, history.timestamps)),
        )
        for history in data.histories()
    ]
    found = reasons.measure(reasons.Model(engine, name), histories, samples=500)
    engine.close()
    assert found.samples == 500
    assert found.ratio >= reasons.RATIO_FLOOR
    assert found.lowered >= reasons.LOWERED_FLOOR
    assert found.with_reasons >= 0.5
