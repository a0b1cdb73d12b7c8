"""Measure named scorers on one split: a leaderboard, and the lists behind it so that anybody can check the figures.

A scorer is anything with `scores(query) -> (V,)`: a model, or a strategy of the core in that shape. It must have been
fitted on the split's training part; who calls sees to that (`recommender_api.training` does).
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.evaluation import metrics
from recommender_api.evaluation.protocols import RankingCase, RatingCase, Split
from recommender_api.models.base import Query
from service_kit.progress import Advance, NoProgress, Progress

K = 10
BATCH = 256
COLUMNS = ("hr@10", "ndcg@10", "coverage@10", "rmse", "mae")


class Scorer(Protocol):
    """May also have `scores_batch(queries) -> (B, V)`, and `predict(query, items) -> (N,) | None` for ratings."""

    def scores(self, query: Query) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Row:
    """What was measured for one scorer. Metrics of a kind that the split does not ask for are absent."""

    name: str
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]  # 95 %
    seconds: float  # of scoring, not of fitting
    users: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))  # (C,) of the ranking cases
    lists: np.ndarray = field(default_factory=lambda: np.empty((0, K), np.int64))  # (C, K) film rows, -1 for none
    predictions: Sequence[tuple[RatingCase, np.ndarray]] = ()


@dataclass(frozen=True, eq=False)
class Leaderboard:
    description: Mapping[str, Any]  # of the split
    data: TrainingData  # for the ids of users and films
    rows: tuple[Row, ...]  # best first

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(column for column in COLUMNS if any(column in row.metrics for row in self.rows))

    def joined(self, other: Leaderboard) -> Leaderboard:
        """The other board's figures beside these, row by name: ranking and rating errors come from different splits."""
        others = {row.name: row for row in other.rows}
        rows = tuple(_join(row, others.pop(row.name)) if row.name in others else row for row in self.rows)
        description = {**self.description, "joined": other.description}
        return Leaderboard(description, self.data, _sorted((*rows, *others.values())))

    def table(self) -> list[list[str]]:
        """Header and one line a scorer, as text; a metric with its interval in brackets."""
        lines = [["model", *self.columns, "seconds"]]
        for row in self.rows:
            lines.append([row.name, *(self._cell(row, column) for column in self.columns), f"{row.seconds:.1f}"])
        return lines

    def _cell(self, row: Row, column: str) -> str:
        if column not in row.metrics:
            return "-"
        low, high = row.intervals.get(column, (np.nan, np.nan))
        return f"{row.metrics[column]:.4f}" + (f" [{low:.4f}, {high:.4f}]" if np.isfinite(low) else "")

    def write(self, folder: Path) -> None:
        """leaderboard.csv and .json, recommendations/NAME.csv, predictions/NAME.csv, with the data's own ids."""
        folder.mkdir(parents=True, exist_ok=True)
        _write_csv(
            folder / "leaderboard.csv",
            ["model", *self.columns, "seconds"],
            ([row.name, *(row.metrics.get(column, "") for column in self.columns), row.seconds] for row in self.rows),
        )
        document = {
            "split": self.description,
            "rows": [
                {"model": row.name, "metrics": row.metrics, "intervals": row.intervals, "seconds": row.seconds}
                for row in self.rows
            ],
        }
        (folder / "leaderboard.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
        for row in self.rows:
            if len(row.users):
                path = folder / "recommendations" / f"{row.name}.csv"
                _write_csv(path, ["user_id", "item_id", "rank"], self._recommended(row))
            if row.predictions:
                path = folder / "predictions" / f"{row.name}.csv"
                _write_csv(path, ["user_id", "item_id", "rating", "prediction"], self._predicted(row))

    def _recommended(self, row: Row) -> Iterator[Sequence[Any]]:
        users, films = self.data.user_ids, self.data.vocabulary.ids
        for user, films_of_user in zip(row.users, row.lists, strict=True):
            for rank, film in enumerate(films_of_user[films_of_user >= 0], start=1):
                yield users[user], films[film], rank

    def _predicted(self, row: Row) -> Iterator[Sequence[Any]]:
        users, films = self.data.user_ids, self.data.vocabulary.ids
        for case, predicted in row.predictions:
            for film, truth, guess in zip(case.items, case.ratings, predicted, strict=True):
                yield users[case.user], films[film], f"{truth:g}", f"{guess:.4f}"


def evaluate(scorers: Mapping[str, Scorer], split: Split, progress: Progress | None = None) -> Leaderboard:
    """All scorers on the split's test cases."""
    progress = progress or NoProgress()
    rows = []
    for name, scorer in scorers.items():
        started = time.perf_counter()
        row = Row(name, {}, {}, 0.0)
        if split.test:
            with progress.task(f"ranking with {name}", total=len(split.test)) as advance:
                row = _join(row, rank_cases(name, scorer, split.test, split.candidates, advance))
        if split.rating_test:
            with progress.task(f"predicting with {name}", total=len(split.rating_test)) as advance:
                row = _join(row, predict_cases(name, scorer, split.rating_test, advance))
        rows.append(_join(row, Row(name, {}, {}, time.perf_counter() - started)))
    return Leaderboard(split.description, split.train, _sorted(rows))


def validation_metrics(scorer: Scorer, split: Split) -> dict[str, float]:
    """HR@10 and NDCG@10 on the split's validation cases; 0 where there are none."""
    ranks, _ = rank_all(scorer, split.validation, split.candidates)
    return _means(ranks)


def rank_cases(
    name: str, scorer: Scorer, cases: Sequence[RankingCase], candidates: np.ndarray, advance: Advance = lambda _: None
) -> Row:
    ranks, lists = rank_all(scorer, cases, candidates, advance)
    return Row(
        name,
        _means(ranks) | {"coverage@10": metrics.coverage(lists, int(candidates.sum()))},
        {"hr@10": metrics.interval(metrics.hits(ranks, K)), "ndcg@10": metrics.interval(metrics.gains(ranks, K))},
        0.0,
        users=np.array([case.user for case in cases]),
        lists=lists,
    )


def rank_all(
    scorer: Scorer, cases: Sequence[RankingCase], candidates: np.ndarray, advance: Advance = lambda _: None
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks (C,) of the targets among all candidates that are not in the query, and the first K films (C, K)."""
    ranks = np.zeros(len(cases), np.int64)
    lists = np.zeros((len(cases), K), np.int64)
    by_length = np.argsort([len(case.query.items) for case in cases], kind="stable")  # batches of like length
    for at in range(0, len(cases), BATCH):
        chosen = by_length[at : at + BATCH]
        scores = _scores(scorer, [cases[case].query for case in chosen])  # (B, V)
        scores[:, ~candidates] = -np.inf
        for row, case in zip(scores, chosen, strict=True):
            row[cases[case].query.items] = -np.inf
        ranks[chosen] = metrics.ranks_of(scores, np.array([cases[case].target for case in chosen]))
        best = metrics.top_k(scores, K)
        lists[chosen] = np.pad(best, ((0, 0), (0, K - best.shape[1])), constant_values=-1)
        advance(len(chosen))
    return ranks, lists


def _scores(scorer: Scorer, queries: Sequence[Query]) -> np.ndarray:
    """(B, V) float32 that may be written to. Raises ValueError for a score that is not finite."""
    batch: Callable[[Sequence[Query]], np.ndarray] | None = getattr(scorer, "scores_batch", None)
    rows = batch(queries) if batch else [scorer.scores(query) for query in queries]
    scores = np.array(rows, np.float32)
    if not np.isfinite(scores).all():
        raise ValueError(f"{type(scorer).__name__} gave a score that is not a finite number")
    return scores


def predict_cases(name: str, scorer: Scorer, cases: Sequence[RatingCase], advance: Advance = lambda _: None) -> Row:
    """RMSE and MAE over all ratings of all cases; no metrics for a scorer that predicts none."""
    predict: Callable[[Query, np.ndarray], np.ndarray | None] = getattr(scorer, "predict", lambda _query, _items: None)
    predictions = []
    for case in cases:
        predicted = predict(case.query, case.items)
        if predicted is None:
            return Row(name, {}, {}, 0.0)
        predictions.append((case, predicted))
        advance(1)
    errors = np.concatenate([predicted - case.ratings for case, predicted in predictions])
    found = {"rmse": metrics.rmse(errors), "mae": metrics.mae(errors)}
    intervals = {
        "rmse": metrics.interval(np.square(errors, dtype=np.float64), np.sqrt),
        "mae": metrics.interval(np.abs(errors)),
    }
    return Row(name, found, intervals, 0.0, predictions=predictions)


def _means(ranks: np.ndarray) -> dict[str, float]:
    if not len(ranks):
        return {"hr@10": 0.0, "ndcg@10": 0.0}
    return {"hr@10": float(metrics.hits(ranks, K).mean()), "ndcg@10": float(metrics.gains(ranks, K).mean())}


def _join(left: Row, right: Row) -> Row:
    ranked = left if len(left.users) else right
    return Row(
        left.name,
        {**left.metrics, **right.metrics},
        {**left.intervals, **right.intervals},
        left.seconds + right.seconds,
        ranked.users,
        ranked.lists,
        left.predictions or right.predictions,
    )


def _sorted(rows: Sequence[Row]) -> tuple[Row, ...]:
    """By NDCG@10, then by RMSE; what has neither comes last."""
    return tuple(sorted(rows, key=lambda row: (-row.metrics.get("ndcg@10", -1), row.metrics.get("rmse", np.inf))))


def _write_csv(path: Path, header: Sequence[str], rows: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
