"""How well each scorer ranks when told only the latest few films: decides from how many ratings on a model answers.

The same test cases, each history cut to its latest n before the films to be found; whoever has fewer than n is left
out of that column, so its `users` stand beside it. Films of the whole history stay out of the ranking everywhere, so
that columns differ by what a scorer knows, not by what it may recommend.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recommender_api.evaluation.evaluate import K, Scorer, accuracy, rank_all
from recommender_api.evaluation.leaderboard import shown, write_csv
from recommender_api.evaluation.splits import Split
from recommender_api.evaluation.uncertainty import intervals
from service_kit.progress import NoProgress, Progress

LENGTHS = (1, 3, 5, 10, 20, 50)


@dataclass(frozen=True)
class Cell:
    """One scorer, told the latest `length` films; None: all of them."""

    name: str
    length: int | None
    users: int
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class ByLength:
    description: Mapping[str, Any]  # of the split
    lengths: tuple[int | None, ...]
    metric: str  # the one in the table
    cells: tuple[Cell, ...]  # scorer by scorer, each in the order of the lengths

    def of(self, name: str) -> list[Cell]:
        return [cell for cell in self.cells if cell.name == name]

    @property
    def names(self) -> list[str]:
        """Best at the shortest length first."""
        first = [cell for cell in self.cells if cell.length == self.lengths[0]]
        return [cell.name for cell in sorted(first, key=lambda cell: -cell.metrics[self.metric])]

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and lines: the metric and half its 95 % interval, a column a length; the users of each last."""
        header = [self.metric, *("all" if length is None else str(length) for length in self.lengths)]
        lines = [[text, *(self._text(cell) for cell in self.of(name))] for name, text in shown(self.names).items()]
        return header, [*lines, ["users", *(str(cell.users) for cell in self.of(self.names[0]))]]

    def _text(self, cell: Cell) -> str:
        low, high = cell.intervals[self.metric]
        return f"{cell.metrics[self.metric]:.3f} ±{(high - low) / 2:.3f}".replace("0.", ".")

    def document(self) -> dict[str, Any]:
        cells = [
            {
                "name": cell.name,
                "length": cell.length,
                "users": cell.users,
                "metrics": dict(cell.metrics),
                "intervals": {metric: list(bounds) for metric, bounds in cell.intervals.items()},
            }
            for cell in self.cells
        ]
        return {"split": dict(self.description), "cells": cells}

    def write(self, folder: Path) -> None:
        """by_history_length.csv and .json; the length of whole histories is empty."""
        folder.mkdir(parents=True, exist_ok=True)
        metrics = list(self.cells[0].metrics)
        header = [name for metric in metrics for name in (metric, f"{metric}_low", f"{metric}_high")]
        rows = (
            ["" if part is None else part for part in (cell.name, cell.length, cell.users)]
            + [value for metric in metrics for value in (cell.metrics[metric], *cell.intervals[metric])]
            for cell in self.cells
        )
        write_csv(folder / "by_history_length.csv", ["name", "length", "users", *header], rows)
        (folder / "by_history_length.json").write_text(json.dumps(self.document(), indent=1) + "\n", "utf-8")


def by_length(
    scorers: Mapping[str, Scorer],
    split: Split,
    lengths: Sequence[int] = LENGTHS,
    k: int = K,
    progress: Progress | None = None,
) -> ByLength:
    """Lengths that no history reaches are left out; the whole histories come last."""
    longest = max((len(case.query.items) for case in split.test), default=0)
    asked = (*(length for length in sorted(lengths) if length <= longest), None)
    cells = []
    for name, scorer in scorers.items():
        with (progress or NoProgress()).task(f"{name} by history length", total=len(asked)) as advance:
            for length in asked:
                cases = [case for case in split.test if length is None or len(case.query.items) >= length]
                values = accuracy(rank_all(scorer, cases, split.candidates, k=k, latest=length).ranks, k)
                means = {metric: float(np.mean(column)) for metric, column in values.items()}
                cells.append(Cell(name, length, len(cases), means, intervals(values)))
                advance(1)
    return ByLength(split.description, asked, f"ndcg@{k}", tuple(cells))
