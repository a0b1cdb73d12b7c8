"""What was measured, best first: figures with intervals and p-values, and the lists behind them for anybody to check.

Tables as text and the files of `marquee evaluate --out`; plots are in `evaluation.plots`. Measures nothing itself.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.evaluation.splits import RatingCase
from recommender_api.evaluation.uncertainty import paired_p

# What stands in which table; "@" for any k. Higher is better for the first of each but RMSE.
TABLES = {
    "Films found": ("ndcg@", "hr@", "recall@", "mrr"),
    "The lists": ("coverage@", "novelty@", "diversity@", "head@"),
    "Ratings predicted": ("rmse", "mae"),
}
_WITH_INTERVAL = ("hr@", "ndcg@", "recall@", "rmse", "mae")


@dataclass(frozen=True)
class Origin:
    """What was measured: enough to measure it again."""

    model: str
    version: str | None = None  # of a stored one; None: fitted for this table
    options: Mapping[str, Any] | None = None  # all of them, the seed too; None where there are none, or nobody knows
    fit_cpu_s: float | None = None  # CPU seconds of fitting; None where nothing was fitted, or nobody knows


@dataclass(frozen=True, eq=False)
class Row:
    """What was measured for one scorer. Metrics of a kind that the split does not ask for are absent."""

    name: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # 95 %
    compared: Mapping[str, np.ndarray] = field(default_factory=dict)  # a value a user, of what the p-value is for
    seconds: float = 0.0  # of scoring
    origin: Origin | None = None  # None: of something that has no more to it than its name
    users: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))  # (C,) of the ranking cases
    lists: np.ndarray = field(default_factory=lambda: np.empty((0, 1), np.int64))  # (C, k) film rows, -1 for none
    predictions: Sequence[tuple[RatingCase, np.ndarray]] = ()

    @property
    def fit_cpu_s(self) -> float | None:
        return self.origin.fit_cpu_s if self.origin else None

    def facts(self) -> dict[str, Any]:
        """The name, and what has it, in JSON's types."""
        origin = self.origin or Origin(self.name)
        options = origin.options and {option: _plain(value) for option, value in origin.options.items()}
        return {"name": self.name, "model": origin.model, "version": origin.version, "options": options}

    def joined(self, other: Row) -> Row:
        """Both measurements of one scorer; the rankings are of the one that has some."""
        ranked = self if len(self.users) else other
        return replace(
            self,
            metrics={**self.metrics, **other.metrics},
            intervals={**self.intervals, **other.intervals},
            compared={**self.compared, **other.compared},
            seconds=self.seconds + other.seconds,
            origin=self.origin or other.origin,
            users=ranked.users,
            lists=ranked.lists,
            predictions=self.predictions or other.predictions,
        )


@dataclass(frozen=True, eq=False)
class Leaderboard:
    description: Mapping[str, Any]  # of the split
    data: TrainingData  # the training part; for the ids of users and films
    rows: tuple[Row, ...]  # best first
    p_values: Mapping[str, Mapping[str, float]]  # metric -> name -> p of "as good as the best"; the best has none

    @classmethod
    def of(cls, rows: Sequence[Row], description: Mapping[str, Any], data: TrainingData) -> Self:
        """Sorted by NDCG, then by RMSE; what has neither comes last."""
        order = sorted(rows, key=lambda row: (-_value(row, "ndcg@", -1.0), _value(row, "rmse", np.inf)))
        metrics = dict.fromkeys(metric for row in order for metric in row.compared)
        return cls(description, data, tuple(order), {metric: _p_values(order, metric) for metric in metrics})

    @property
    def columns(self) -> tuple[str, ...]:
        """Every metric that somebody has, in the order of the tables."""
        there = dict.fromkeys(metric for row in self.rows for metric in row.metrics)
        wanted = [start for starts in TABLES.values() for start in starts]
        return tuple(metric for start in wanted for metric in there if metric.startswith(start))

    def with_origins(self, origins: Mapping[str, Origin]) -> Leaderboard:
        return replace(self, rows=tuple(replace(row, origin=origins.get(row.name)) for row in self.rows))

    def joined(self, other: Leaderboard) -> Leaderboard:
        """The other board's figures beside these, row by name: ranking and rating errors come from different splits."""
        others = {row.name: row for row in other.rows}
        rows = [row.joined(others.pop(row.name)) if row.name in others else row for row in self.rows]
        return Leaderboard.of([*rows, *others.values()], {**self.description, "joined": other.description}, self.data)

    def tables(self) -> Iterator[tuple[str, list[str], list[list[str]]]]:
        """Title, header and lines of each table that has something to say; narrow enough for a terminal."""
        names = shown([row.name for row in self.rows])
        for title, starts in TABLES.items():
            columns = [column for column in self.columns if column.startswith(starts)]
            rows = [row for row in self.rows if any(column in row.metrics for column in columns)]
            compared = [metric for metric in self.p_values if metric in columns]
            if starts[0] == "rmse":
                rows.sort(key=lambda row: row.metrics["rmse"])
            if rows:
                header = ["model", *columns, *(["p"] if compared else [])]
                if title == "Films found":
                    header += ["fit CPU s", "score s"]
                yield title, header, [[names[row.name], *self._cells(row, columns, compared, header)] for row in rows]

    def _cells(self, row: Row, columns: Sequence[str], compared: Sequence[str], header: Sequence[str]) -> list[str]:
        cells = [_cell(row, column) for column in columns]
        cells += [_p_text(self.p_values[metric].get(row.name)) for metric in compared]
        if "score s" in header:
            cells += ["-" if row.fit_cpu_s is None else f"{row.fit_cpu_s:.1f}", f"{row.seconds:.1f}"]
        return cells

    def document(self) -> dict[str, Any]:
        """Everything but the lists, for JSON."""
        rows = [
            {
                **row.facts(),
                "metrics": dict(row.metrics),
                "intervals": {metric: list(bounds) for metric, bounds in row.intervals.items()},
                "p": {metric: p[row.name] for metric, p in self.p_values.items() if row.name in p},
                "fit_cpu_s": row.fit_cpu_s,
                "score_s": row.seconds,
            }
            for row in self.rows
        ]
        return {"split": dict(self.description), "rows": rows}

    def write(self, folder: Path) -> None:
        """leaderboard.csv and .json; a row's recommendations/NAME.csv and predictions/NAME.csv. Ids are the data's."""
        folder.mkdir(parents=True, exist_ok=True)
        header = [name for column in self.columns for name in (column, f"{column}_low", f"{column}_high")]
        header = [
            "name",
            "model",
            "version",
            "options",
            *header,
            *(f"{metric}_p" for metric in self.p_values),
            "fit_cpu_s",
            "score_s",
        ]
        write_csv(folder / "leaderboard.csv", header, (self._figures(row) for row in self.rows))
        (folder / "leaderboard.json").write_text(json.dumps(self.document(), indent=1) + "\n", "utf-8")
        for row in self.rows:
            if len(row.users):
                path = folder / "recommendations" / f"{row.name}.csv"
                write_csv(path, ["user_id", "item_id", "rank"], self._recommended(row))
            if row.predictions:
                path = folder / "predictions" / f"{row.name}.csv"
                write_csv(path, ["user_id", "item_id", "rating", "prediction"], self._predicted(row))

    def _figures(self, row: Row) -> list[Any]:
        facts = row.facts()
        cells: list[Any] = [facts["name"], facts["model"], facts["version"] or ""]
        cells.append("" if facts["options"] is None else json.dumps(facts["options"]))
        for column in self.columns:
            cells += [row.metrics.get(column, ""), *row.intervals.get(column, ("", ""))]
        cells += [p.get(row.name, "") for p in self.p_values.values()]
        return [*cells, "" if row.fit_cpu_s is None else row.fit_cpu_s, row.seconds]

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


def shown(names: Iterable[str]) -> dict[str, str]:
    """By name, what stands in tables and pictures: of NAME@VERSION only the version's end, if that tells all apart."""
    short = {name: re.sub("@.*-", "@", name) for name in names}
    return short if len(set(short.values())) == len(short) else {name: name for name in short}


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else str(value)


def _value(row: Row, start: str, missing: float) -> float:
    return next((value for metric, value in row.metrics.items() if metric.startswith(start)), missing)


def _p_values(rows: Sequence[Row], metric: str) -> dict[str, float]:
    """Each against the best in this metric: the lowest RMSE, else the highest value."""
    measured = [row for row in rows if metric in row.compared]
    sign = -1.0 if metric == "rmse" else 1.0
    best = max(measured, key=lambda row: sign * row.metrics[metric])
    return {row.name: paired_p(best.compared[metric], row.compared[metric]) for row in measured if row is not best}


def _cell(row: Row, column: str) -> str:
    if column not in row.metrics:
        return "-"
    figure = f"{row.metrics[column]:.4f}" if row.metrics[column] < 1.5 else f"{row.metrics[column]:.2f}"
    if column.startswith(_WITH_INTERVAL) and column in row.intervals:
        low, high = row.intervals[column]
        return f"{figure} ±{(high - low) / 2:.4f}"
    return figure


def _p_text(p: float | None) -> str:
    return "best" if p is None else f"{p:.4f}"


def write_csv(path: Path, header: Sequence[str], rows: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
