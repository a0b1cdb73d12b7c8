"""The benchmark of sex, age and occupation: a row for each way of knowing, and a model that hears no more than told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import attributes
from recommender_api.models.base import Query
from recommender_api.models.ncf import Ncf
from recommender_api.testing.checkerboard import checkerboard
from service_kit.errors import InvalidRequest

SMALL = replace(attributes.OPTIONS, factors=4, epochs=1)


def test_a_row_for_each_way_of_knowing_and_a_column_for_each_length() -> None:
    data = checkerboard()
    data = replace(data, attributes=tuple({"gender": "FM"[user % 2]} for user in range(data.n_users)))
    rows = list(attributes.measure(data, 60, SMALL))
    assert [row[0] for row in rows] == ["without attributes", "with, and told at the request", "with, not told"]
    assert all(len(row) == len(attributes.HEADER) for row in rows)
    assert rows[1][1] != rows[2][1]  # what is told is heard


def test_only_the_latest_films_are_told() -> None:
    data = checkerboard()
    model, past = Ncf.fit(data, SMALL), data.history(0)
    query = Query(past.items, past.ratings, past.timestamps)
    last = Query(past.items[-5:], past.ratings[-5:], past.timestamps[-5:])
    for latest, same in ((0, Query()), (5, last), (None, query)):
        np.testing.assert_array_equal(attributes.Told(model, latest).scores(query), model.scores(same))


def test_users_of_whom_nothing_is_known_are_one_sentence() -> None:
    with pytest.raises(InvalidRequest, match="Nothing is known of these users"):
        next(attributes.measure(checkerboard(), 60, SMALL))
