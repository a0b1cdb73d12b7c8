"""Models and other scorers compared on one split: who is fitted, who is taken from disk, what is told of each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommender_api.comparison import Contestants, compare
from recommender_api.data import RATINGS, TIMESTAMPS, TrainingData
from recommender_api.evaluation.history_length import by_length
from recommender_api.evaluation.protocols import LeaveOneOut, TimeCut
from recommender_api.evaluation.splits import Split
from recommender_api.models.base import Query
from recommender_api.testing.checkerboard import checkerboard
from recommender_api.training import train
from service_kit.errors import InvalidRequest
from tests.support.pairs import FILMS, pairs_data

DATA = pairs_data()


class Popular:
    def __init__(self, split: Split) -> None:
        self.counts = np.bincount(split.train.items, minlength=FILMS).astype(np.float32)

    def scores(self, query: Query) -> np.ndarray:
        return self.counts.copy()


def test_models_and_other_scorers_are_compared_on_one_split() -> None:
    board = compare(Contestants(["transitions"], others=lambda split: {"popular": Popular(split)}), DATA).board
    assert [row.name for row in board.rows] == ["transitions", "popular"]
    assert board.rows[0].metrics["ndcg@10"] > 0.95
    assert board.rows[1].metrics["ndcg@10"] < 0.7
    assert board.description["protocol"] == "leave-one-out"
    assert board.p_values["ndcg@10"]["popular"] < 0.01
    assert board.rows[0].fit_cpu_s is not None
    assert board.rows[1].fit_cpu_s is None  # nothing was fitted


def test_a_stored_version_of_the_same_split_is_taken_instead_of_fitting(tmp_path: Path) -> None:
    """The stored one looks at one film of a history only, so its figures differ from those of a fresh fit."""
    data = checkerboard()
    stored = train("transitions", data, {"longest": 1, "lags": 2}, models_dir=tmp_path, refit=False).stored
    (row,) = compare(Contestants(["transitions"], models_dir=tmp_path), data).board.rows
    assert row.metrics["ndcg@10"] == pytest.approx(stored.metrics["test_ndcg@10"])
    assert row.fit_cpu_s == stored.metrics["fit_cpu_s"]
    fitted = Contestants(["transitions"], models_dir=tmp_path, options={"transitions": {}})
    (fresh,) = compare(fitted, data).board.rows
    assert fresh.metrics["mrr"] != row.metrics["mrr"]


def test_some_users_may_stand_for_all_and_are_the_same_ones_each_time() -> None:
    (some,) = compare(Contestants(["transitions"]), DATA, users=7).board.rows
    (again,) = compare(Contestants(["transitions"]), DATA, users=7).board.rows
    (whole,) = compare(Contestants(["transitions"]), DATA, users=10**6).board.rows
    assert len(some.users) == 7
    assert some.users.tolist() == again.users.tolist()
    assert set(some.users) < set(whole.users)


def test_a_version_that_has_seen_everything_is_never_tested(tmp_path: Path) -> None:
    seen = train("transitions", DATA, models_dir=tmp_path, refit=True).stored
    (row,) = compare(Contestants(["transitions"], models_dir=tmp_path), DATA).board.rows
    assert row.fit_cpu_s != seen.metrics["fit_cpu_s"]


def test_models_that_predict_also_get_their_rating_errors() -> None:
    board = compare(Contestants(["regression", "item_knn"]), checkerboard()).board
    rows = {row.name: row.metrics for row in board.rows}
    assert 0 < rows["regression"]["rmse"] < checkerboard().ratings.std()
    assert "rmse" not in rows["item_knn"]
    assert board.description["joined"]["protocol"] == "random-ratings"


def test_ratings_that_stand_in_for_none_are_not_predicted() -> None:
    board = compare(Contestants(["regression"]), replace(checkerboard(), implied=frozenset({RATINGS}))).board
    assert "rmse" not in board.columns


def test_a_protocol_that_finds_nobody_to_ask_says_so() -> None:
    few = TrainingData.from_columns(["1", "2"], ["a", "b"], [4.0, 4.0], [1, 2])
    with pytest.raises(InvalidRequest, match="leave-one-out"):
        compare(Contestants(["transitions"]), few)
    with pytest.raises(InvalidRequest, match="no times"):
        compare(Contestants(["transitions"]), replace(DATA, implied=frozenset({TIMESTAMPS})), TimeCut())


def test_history_length_changes_what_is_known_and_who_is_asked() -> None:
    few = DATA.select((DATA.users % 2 == 0) | (DATA.from_end() < 6))  # every second user has six films only
    split = LeaveOneOut(min_ratings=1).split(few)
    told: dict[int, set[int]] = {}

    class Listening(Popular):
        def scores(self, query: Query) -> np.ndarray:
            told.setdefault(len(query.items), set()).add(int(query.items[-1]))
            return super().scores(query)

    shortest = min(len(case.query.items) for case in split.test)
    longest = max(len(case.query.items) for case in split.test)
    found = by_length({"one": Listening(split)}, split, (1, shortest + 1, longest + 1))
    assert found.lengths == (1, shortest + 1, None)  # nobody has more than the longest
    users = [cell.users for cell in found.of("one")]
    assert users == [len(split.test), sum(len(case.query.items) > shortest for case in split.test), len(split.test)]
    assert {1, shortest + 1} <= set(told)
    first, _, whole = found.of("one")
    assert first.metrics == whole.metrics  # popularity does not listen, and the same films are ranked
    header, lines = found.table()
    assert header == ["ndcg@10", "1", str(shortest + 1), "all"]
    assert lines[-1] == ["users", *map(str, users)]
