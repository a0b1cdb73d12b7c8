"""Evaluation of scorers whose figures are known beforehand, and the files that let anybody check ours."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from recommender_api.data import TrainingData
from recommender_api.evaluation.evaluate import BATCH, evaluate, rank_all, validation_metrics
from recommender_api.evaluation.protocols import LeaveOneOut, RandomFilms, RandomRatings
from recommender_api.evaluation.splits import Split
from recommender_api.models.base import Query

FILMS, USERS = 200, 600


def random_data(seed: int = 0) -> TrainingData:
    rng = np.random.default_rng(seed)
    rows = [
        (f"{user}", f"{film}") for user in range(1, USERS + 1) for film in rng.permutation(FILMS)[: rng.integers(3, 40)]
    ]
    return TrainingData.from_columns(
        [user for user, _ in rows], [film for _, film in rows], rng.integers(1, 11, len(rows)) / 2, np.arange(len(rows))
    )


@pytest.fixture(scope="module")
def split() -> Split:
    return LeaveOneOut().split(random_data())


class Random:
    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def scores(self, query: Query) -> np.ndarray:
        return self.rng.random(FILMS).astype(np.float32)


class Perfect:
    """Knows what each user watched next."""

    def __init__(self, split: Split) -> None:
        self.answers = {case.query.items.tobytes(): case.target for case in split.test}

    def scores(self, query: Query) -> np.ndarray:
        scores = np.zeros(FILMS, np.float32)
        scores[self.answers[query.items.tobytes()]] = 1.0
        return scores


class Constant:
    def scores(self, query: Query) -> np.ndarray:
        return np.ones(FILMS, np.float32)


class LovesTheSeen(Constant):
    """What users have rated scores highest: it may not take a place in the ranking."""

    def scores(self, query: Query) -> np.ndarray:
        scores = np.zeros(FILMS, np.float32)
        scores[query.items] = 9.0
        return scores


def test_a_perfect_scorer_gets_one_and_a_random_one_its_share(split: Split) -> None:
    board = evaluate({"random": Random(), "perfect": Perfect(split)}, split)
    assert [row.name for row in board.rows] == ["perfect", "random"]
    perfect, random = board.rows
    assert perfect.metrics["hr@10"] == perfect.metrics["ndcg@10"] == 1.0
    unseen = np.mean([FILMS - len(case.query.items) for case in split.test])
    chance = 10 / unseen
    spread = 3 * math.sqrt(chance * (1 - chance) / len(split.test))
    assert random.metrics["hr@10"] == pytest.approx(chance, abs=spread)
    mean_gain = sum(1 / math.log2(rank + 1) for rank in range(1, 11)) / 10
    assert random.metrics["ndcg@10"] == pytest.approx(chance * mean_gain, abs=spread)
    low, high = random.intervals["hr@10"]
    assert low < random.metrics["hr@10"] < high


def test_a_scorer_that_gives_all_films_one_score_is_not_rewarded(split: Split) -> None:
    (row,) = evaluate({"constant": Constant()}, split).rows
    assert row.metrics["hr@10"] < 0.12


def test_seen_films_and_films_outside_the_protocol_are_never_listed(split: Split) -> None:
    lists = rank_all(LovesTheSeen(), split.test, split.candidates).lists
    for case, films in zip(split.test, lists, strict=True):
        assert not np.isin(films, case.query.items).any()
        assert split.candidates[films].all()


class Batched(Random):
    """Scores depend on the query alone; counts how often it is asked."""

    calls = 0

    def scores(self, query: Query) -> np.ndarray:
        return np.random.default_rng(query.items.sum()).random(FILMS).astype(np.float32)

    def scores_batch(self, queries: Sequence[Query]) -> np.ndarray:
        self.calls += 1
        return np.stack([self.scores(query) for query in queries])


class Single(Random):
    def scores(self, query: Query) -> np.ndarray:
        return Batched.scores(self, query)  # type: ignore[arg-type]


def test_a_scorer_that_takes_batches_gets_them_and_the_figures_stay_the_same(split: Split) -> None:
    batched = Batched()
    found = rank_all(batched, split.test, split.candidates)
    expected = rank_all(Single(), split.test, split.candidates)
    assert batched.calls == math.ceil(len(split.test) / BATCH)
    np.testing.assert_array_equal(found.ranks.ranks, expected.ranks.ranks)
    np.testing.assert_array_equal(found.lists, expected.lists)


def test_a_score_that_is_not_a_number_is_an_error_and_not_a_rank(split: Split) -> None:
    class Broken(Constant):
        def scores(self, query: Query) -> np.ndarray:
            return super().scores(query) * np.nan

    with pytest.raises(ValueError, match="Broken gave a score that is not a finite number"):
        evaluate({"broken": Broken()}, split)


def test_validation_and_test_are_measured_apart(split: Split) -> None:
    with pytest.raises(KeyError):  # it knows the test cases alone
        validation_metrics(Perfect(split), split)
    assert set(validation_metrics(Random(), split)) == {"hr@10", "ndcg@10", "mrr"}


class UserMean(Constant):
    """Predicts everybody's own mean."""

    def predict(self, query: Query, items: np.ndarray) -> np.ndarray:
        return np.full(len(items), query.ratings.mean() if len(query.ratings) else 2.75, np.float32)


def test_rating_errors_are_over_all_held_out_ratings() -> None:
    data = random_data()
    ratings = RandomRatings().split(data)
    board = evaluate({"mean": UserMean(), "constant": Constant()}, ratings)
    mean, constant = board.rows
    errors = np.concatenate([UserMean().predict(c.query, c.items) - c.ratings for c in ratings.rating_test])
    assert len(errors) == round(0.3 * len(data))
    assert mean.metrics == pytest.approx({"rmse": np.sqrt(np.mean(errors**2)), "mae": np.abs(errors).mean()})
    low, high = mean.intervals["rmse"]
    assert low < mean.metrics["rmse"] < high
    assert constant.metrics == {}  # it ranks only


def test_boards_of_two_splits_join_by_name(split: Split) -> None:
    ranking = evaluate({"mean": UserMean(), "random": Random()}, split)
    board = ranking.joined(evaluate({"mean": UserMean()}, RandomRatings().split(random_data())))
    assert board.columns == (
        "ndcg@10", "hr@10", "mrr", "coverage@10", "novelty@10", "diversity@10", "head@10", "rmse", "mae",
    )  # fmt: skip
    tables = {title: (header, lines) for title, header, lines in board.tables()}
    assert list(tables) == ["Films found", "The lists", "Ratings predicted"]
    header, lines = tables["Films found"]
    assert header == ["model", "ndcg@10", "hr@10", "mrr", "p", "fit CPU s", "score s"]
    assert {line[0] for line in lines} == {"mean", "random"}
    assert [line[0] for line in tables["Ratings predicted"][1]] == ["mean"]  # random predicts nothing
    for header, lines in tables.values():
        widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
        assert sum(widths) + 2 * (len(widths) - 1) <= 100


def test_the_p_value_tells_scorers_of_the_same_kind_from_better_ones(split: Split) -> None:
    board = evaluate({"one": Random(), "other": Single(), "perfect": Perfect(split)}, split)
    p = board.p_values["ndcg@10"]
    assert set(p) == {"one", "other"}  # each against the best
    assert max(p.values()) < 0.001
    assert evaluate({"one": Random(), "other": Single()}, split).p_values["ndcg@10"].popitem()[1] > 0.05


def test_figures_of_several_films_to_be_found_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import ndcg_score

    split = RandomFilms().split(random_data())
    assert max(len(case.targets) for case in split.test) > 3
    scorer = Batched()
    row = evaluate({"random": scorer}, split).rows[0]
    truth, scores = np.zeros((len(split.test), FILMS)), np.zeros((len(split.test), FILMS))
    for at, case in enumerate(split.test):
        truth[at, case.targets] = 1
        scores[at] = 1 + scorer.scores(case.query)
        scores[at, case.query.items] = 0
    assert row.metrics["ndcg@10"] == pytest.approx(ndcg_score(truth, scores, k=10))
    first = np.argsort(-scores, axis=1)[:, :10]
    found = np.take_along_axis(truth, first, axis=1).sum(axis=1)
    assert row.metrics["hr@10"] == pytest.approx((found > 0).mean())
    assert row.metrics["recall@10"] == pytest.approx((found / truth.sum(axis=1)).mean())


def test_a_shorter_history_is_told_but_all_of_it_stays_out_of_the_ranking(split: Split) -> None:
    told: list[int] = []

    class Listening(LovesTheSeen):
        def scores(self, query: Query) -> np.ndarray:
            told.append(len(query.items))
            return super().scores(query)

    lists = rank_all(Listening(), split.test, split.candidates, latest=2).lists
    assert set(told) == {2}
    for case, films in zip(split.test, lists, strict=True):
        assert not np.isin(films, case.query.items).any()


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_written_lists_and_predictions_give_the_figures_of_the_leaderboard(split: Split, tmp_path: Path) -> None:
    data = random_data()
    board = evaluate({"mean": UserMean(), "random": Random()}, split)
    board.joined(evaluate({"mean": UserMean()}, RandomRatings().split(data))).write(tmp_path)
    targets = {data.user_ids[case.user]: data.vocabulary.ids[case.target] for case in split.test}
    figures = {row["model"]: row for row in read(tmp_path / "leaderboard.csv")}
    for name in ("mean", "random"):
        recommended = read(tmp_path / "recommendations" / f"{name}.csv")
        assert list(recommended[0]) == ["user_id", "item_id", "rank"]
        assert len(recommended) == 10 * len(split.test)
        found = [int(row["rank"]) for row in recommended if targets[row["user_id"]] == row["item_id"]]
        assert len(found) / len(targets) == pytest.approx(float(figures[name]["hr@10"]))
        gained = sum(1 / math.log2(rank + 1) for rank in found) / len(targets)
        assert gained == pytest.approx(float(figures[name]["ndcg@10"]))
    predicted = read(tmp_path / "predictions" / "mean.csv")
    errors = np.array([float(row["prediction"]) - float(row["rating"]) for row in predicted])
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(float(figures["mean"]["rmse"]), abs=1e-4)
    assert figures["random"]["rmse"] == ""
    document = json.loads((tmp_path / "leaderboard.json").read_text())
    assert document["split"]["protocol"] == "leave-one-out"
    assert document["split"]["joined"]["protocol"] == "random-ratings"
    assert list(outside(document)) == []


def outside(value: object) -> Iterator[float]:
    """Every number in a JSON document that JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from outside(part)
