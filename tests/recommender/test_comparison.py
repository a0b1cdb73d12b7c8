"""Models and other scorers compared on one split: who is fitted, who is taken from disk, what is told of each."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommender_api.comparison import Contestant, Contestants, compare
from recommender_api.data import RATINGS, TIMESTAMPS, TrainingData
from recommender_api.evaluation.history_length import by_length
from recommender_api.evaluation.protocols import LeaveOneOut, RandomFilms, Strict, TimeCut
from recommender_api.evaluation.splits import Split
from recommender_api.models.base import Query
from recommender_api.testing.checkerboard import checkerboard
from recommender_api.training import train
from service_kit.errors import InvalidRequest
from tests.support.pairs import FILMS, pairs_data

DATA = pairs_data()


def models(*names: str) -> dict[str, Contestant]:
    return {name: Contestant(name) for name in names}


class Popular:
    def __init__(self, split: Split) -> None:
        self.counts = np.bincount(split.train.items, minlength=FILMS).astype(np.float32)

    def scores(self, query: Query) -> np.ndarray:
        return self.counts.copy()


class Chance:
    def scores(self, query: Query) -> np.ndarray:
        return np.random.default_rng(len(query.items)).random(24, np.float32)


def test_models_and_other_scorers_are_compared_on_one_split() -> None:
    board = compare(Contestants(models("transitions"), others=lambda split: {"popular": Popular(split)}), DATA).board
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
    options = {"longest": 1, "lags": 2}
    stored = train("transitions", data, options, models_dir=tmp_path, refit=False, test=True).stored
    (row,) = compare(Contestants(models("transitions"), models_dir=tmp_path), data).board.rows
    assert row.metrics["ndcg@10"] == pytest.approx(stored.metrics["test_ndcg@10"])
    assert row.fit_cpu_s == stored.metrics["fit_cpu_s"]
    fitted = Contestants({"transitions": Contestant("transitions", options={})}, models_dir=tmp_path)
    (fresh,) = compare(fitted, data).board.rows
    assert fresh.metrics["mrr"] != row.metrics["mrr"]


def test_versions_that_are_named_stand_beside_each_other(tmp_path: Path) -> None:
    """Whichever is newest, and also those of the strict split, which trains on less."""
    data = checkerboard()
    near = train("transitions", data, {"longest": 1, "lags": 2}, models_dir=tmp_path, refit=False).stored
    strict = train("transitions", data, models_dir=tmp_path, protocol=Strict(), refit=False).stored
    train("transitions", data, models_dir=tmp_path, refit=False)
    named = {
        f"transitions@{stored.version}": Contestant("transitions", stored.version) for stored in (near, strict)
    } | models("transitions")
    board = compare(Contestants(named, models_dir=tmp_path), data).board
    rows = {row.name: row for row in board.rows}
    assert rows.keys() == named.keys()
    assert len({row.metrics["mrr"] for row in board.rows}) == 3
    assert len(board.p_values["ndcg@10"]) == 2  # each against the best
    for stored in (near, strict):
        assert rows[f"transitions@{stored.version}"].fit_cpu_s == stored.metrics["fit_cpu_s"]
    for _, _, lines in board.tables():
        assert {line[0] for line in lines} == {
            "transitions", *(f"transitions@{stored.version[-8:]}" for stored in (near, strict))
        }  # fmt: skip


def test_the_documents_say_what_was_measured(tmp_path: Path) -> None:
    stored = train("mf", checkerboard(), {"seed": 7}, models_dir=tmp_path, refit=False).stored
    named = models("mf") | {"once": Contestant("mf", options={"rounds": 1})}
    who = Contestants(named, others=lambda _split: {"chance": Chance()}, models_dir=tmp_path)
    board = compare(who, checkerboard()).board
    board.write(tmp_path / "board")
    rows = {row["name"]: row for row in json.loads((tmp_path / "board" / "leaderboard.json").read_text())["rows"]}
    assert {name: (row["model"], row["version"]) for name, row in rows.items()} == {
        "mf": ("mf", stored.version), "once": ("mf", None), "chance": ("chance", None)
    }  # fmt: skip
    assert (rows["mf"]["options"]["seed"], rows["mf"]["options"]["rounds"]) == (7, 8)
    assert (rows["once"]["options"]["seed"], rows["once"]["options"]["rounds"]) == (42, 1)
    assert rows["chance"]["options"] is None
    assert rows["mf"]["fit_cpu_s"] == stored.metrics["fit_cpu_s"]
    assert rows["once"]["fit_cpu_s"] > 0
    assert all("rmse" in rows[name]["metrics"] for name in named)
    with (tmp_path / "board" / "leaderboard.csv").open(newline="") as lines:
        table = {line["name"]: line for line in csv.DictReader(lines)}
    assert table["mf"]["version"] == stored.version
    assert json.loads(table["once"]["options"]) == rows["once"]["options"]
    assert (table["chance"]["model"], table["chance"]["version"], table["chance"]["options"]) == ("chance", "", "")


def test_a_version_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    stored = train("transitions", DATA, models_dir=tmp_path, refit=False).stored
    named = {"wrong": Contestant("transitions", "20200101T000000Z-00000000")}
    with pytest.raises(InvalidRequest, match=rf"no version 2020.* of transitions; there are {stored.version}\.$"):
        compare(Contestants(named, models_dir=tmp_path), DATA)


@pytest.mark.parametrize(
    ("protocol", "refit", "what"), [(None, True, "all ratings"), (RandomFilms(), False, "another split")]
)
def test_a_version_that_saw_the_answers_is_refused_though_it_is_named(
    protocol: RandomFilms | None, refit: bool, what: str, tmp_path: Path
) -> None:
    seen = train("transitions", DATA, models_dir=tmp_path, protocol=protocol, refit=refit).stored
    with pytest.raises(InvalidRequest, match=what):
        compare(Contestants({"seen": Contestant("transitions", seen.version)}, models_dir=tmp_path), DATA)


def test_ratings_are_predicted_with_the_options_of_the_version_that_ranked(tmp_path: Path) -> None:
    data = checkerboard()
    train("mf", data, {"rounds": 1, "seed": 7}, models_dir=tmp_path, refit=False)
    (stored,) = compare(Contestants(models("mf"), models_dir=tmp_path), data).board.rows
    (alike,) = compare(Contestants({"mf": Contestant("mf", options={"rounds": 1, "seed": 7})}), data).board.rows
    (usual,) = compare(Contestants({"mf": Contestant("mf", options={})}), data).board.rows
    assert stored.metrics["rmse"] == alike.metrics["rmse"] != usual.metrics["rmse"]


def test_some_users_may_stand_for_all_and_are_the_same_ones_each_time() -> None:
    (some,) = compare(Contestants(models("transitions")), DATA, users=7).board.rows
    (again,) = compare(Contestants(models("transitions")), DATA, users=7).board.rows
    (whole,) = compare(Contestants(models("transitions")), DATA, users=10**6).board.rows
    assert len(some.users) == 7
    assert some.users.tolist() == again.users.tolist()
    assert set(some.users) < set(whole.users)


def test_a_version_that_has_seen_everything_is_never_tested(tmp_path: Path) -> None:
    seen = train("transitions", DATA, models_dir=tmp_path, refit=True).stored
    (row,) = compare(Contestants(models("transitions"), models_dir=tmp_path), DATA).board.rows
    assert row.fit_cpu_s != seen.metrics["fit_cpu_s"]


def test_models_that_predict_also_get_their_rating_errors() -> None:
    board = compare(Contestants(models("regression", "item_knn")), checkerboard()).board
    rows = {row.name: row.metrics for row in board.rows}
    assert 0 < rows["regression"]["rmse"] < checkerboard().ratings.std()
    assert "rmse" not in rows["item_knn"]
    assert board.description["joined"]["protocol"] == "random-ratings"


def test_ratings_that_stand_in_for_none_are_not_predicted() -> None:
    board = compare(Contestants(models("regression")), replace(checkerboard(), implied=frozenset({RATINGS}))).board
    assert "rmse" not in board.columns


def test_a_protocol_that_finds_nobody_to_ask_says_so() -> None:
    few = TrainingData.from_columns(["1", "2"], ["a", "b"], [4.0, 4.0], [1, 2])
    with pytest.raises(InvalidRequest, match="leave-one-out"):
        compare(Contestants(models("transitions")), few)
    with pytest.raises(InvalidRequest, match="no times"):
        compare(Contestants(models("transitions")), replace(DATA, implied=frozenset({TIMESTAMPS})), TimeCut())


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
