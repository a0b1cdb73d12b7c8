"""The benchmark of predicted ratings: which rows there are, that each is measured, and what `untagged` takes away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import ratings
from recommender_api.data import TrainingData
from recommender_api.models.base import Query
from recommender_api.testing.checkerboard import checkerboard


def tagged(tag: str) -> TrainingData:
    data = checkerboard()
    return replace(data, labels={"tags": tuple((tag,) if row % 2 else () for row in range(data.n_items))})


@pytest.mark.slow
@pytest.mark.parametrize("part", ratings.PARTS)
def test_each_row_has_its_error_with_an_interval_around_it(part: str) -> None:
    header, _, *rows = ratings.rows(tagged("seen"), [part])
    assert header.count("|") == 6
    cells = [[cell.strip() for cell in row.strip("| ").split("|")] for row in rows]
    assert [cell[1] for cell in cells] == list(ratings.PARTS[part](tagged("seen"))[2])
    for _, _, rmse, interval, _ in cells:
        low, high = map(float, interval.split(" to "))
        assert 0 < low <= float(rmse) <= high < 2.5


def test_without_tags_nothing_of_them_is_left_in_what_is_learned() -> None:
    data = tagged("seen")
    films = np.arange(4)
    past = data.history(0)
    known = Query(past.items, past.ratings, past.timestamps)

    def predicted(given: TrainingData) -> list[float]:
        return ratings.model("regression")(given)(known, films, films).tolist()

    assert predicted(ratings.untagged(data)) == predicted(ratings.untagged(replace(data, labels={})))
    assert predicted(data) != predicted(ratings.untagged(data))
