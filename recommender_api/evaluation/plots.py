"""Pictures of a leaderboard as PNG and SVG, beside its CSV. Needs matplotlib (the extra `eval`); measures nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender_api.evaluation.history_length import ByLength
from recommender_api.evaluation.leaderboard import Leaderboard, Row, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "marquee",
}


def available() -> bool:
    from importlib.util import find_spec

    return find_spec("matplotlib") is not None


def draw(board: Leaderboard, lengths: ByLength | None, folder: Path) -> list[Path]:
    """leaderboard, training_time, popularity and history_length, each where there is something to show."""
    ranked = [row for row in board.rows if len(row.users)]
    if not ranked:
        return []
    metric = next(name for name in ranked[0].metrics if name.startswith("ndcg@"))
    drawn = [*_leaderboard(ranked, metric, folder), *_popularity(board, ranked, folder)]
    if any(row.fit_cpu_s for row in ranked):
        drawn += _training_time(ranked, metric, folder)
    if lengths is not None:
        drawn += _history_length(lengths, folder)
    return drawn


def _leaderboard(rows: Sequence[Row], metric: str, folder: Path) -> list[Path]:
    with _axes(folder / "leaderboard", height=1.2 + 0.35 * len(rows)) as (axes, written):
        for place, row in enumerate(reversed(rows)):
            low, high = row.intervals[metric]
            axes.barh(place, row.metrics[metric], color="#4878a8")
            axes.plot([low, high], [place, place], color="black", linewidth=1.2)
        names = shown(row.name for row in rows)
        axes.set_yticks(range(len(rows)), [names[row.name] for row in reversed(rows)])
        axes.set_xlabel(f"{metric.upper()}, with its 95 % interval")
    return written


def _training_time(rows: Sequence[Row], metric: str, folder: Path) -> list[Path]:
    names = shown(row.name for row in rows)
    with _axes(folder / "training_time") as (axes, written):
        for row in rows:
            if row.fit_cpu_s:
                low, high = row.intervals[metric]
                axes.plot([row.fit_cpu_s] * 2, [low, high], color="#999999", linewidth=1)
                axes.plot(row.fit_cpu_s, row.metrics[metric], "o", color="#4878a8")
                axes.annotate(names[row.name], (row.fit_cpu_s, row.metrics[metric]), (5, 4), textcoords="offset points")
            else:
                axes.axhline(row.metrics[metric], color="#cccccc", linestyle="--", linewidth=1)
                axes.annotate(
                    names[row.name], (0.01, row.metrics[metric]), xycoords=("axes fraction", "data"), fontsize=8
                )
        axes.set_xscale("log")
        axes.set_xlabel("CPU seconds of training (dashed: none)")
        axes.set_ylabel(metric.upper())
    return written


def _popularity(board: Leaderboard, rows: Sequence[Row], folder: Path) -> list[Path]:
    """Which share of what is recommended falls to the so many most rated films."""
    counts = np.bincount(board.data.items, minlength=board.data.n_items)
    place = np.empty(len(counts), np.int64)
    place[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    most = np.arange(1, len(counts) + 1)
    names = shown(row.name for row in rows)
    with _axes(folder / "popularity") as (axes, written):
        for row in rows:
            places = np.bincount(place[row.lists[row.lists >= 0]], minlength=len(counts))
            axes.plot(most, np.cumsum(places) / places.sum(), label=names[row.name])
        rated = np.cumsum(np.sort(counts)[::-1]) / max(1, counts.sum())
        axes.plot(most, rated, color="black", linestyle=":", label="all ratings")
        axes.set_xscale("log")
        axes.set_xlabel("so many most rated films")
        axes.set_ylabel("have this share of the recommended places")
        _legend(axes)
    return written


def _history_length(lengths: ByLength, folder: Path) -> list[Path]:
    ticks = ["all" if length is None else str(length) for length in lengths.lengths]
    with _axes(folder / "history_length") as (axes, written):
        for name, text in shown(lengths.names).items():
            cells = lengths.of(name)
            values = [cell.metrics[lengths.metric] for cell in cells]
            low, high = zip(*(cell.intervals[lengths.metric] for cell in cells), strict=True)
            (line,) = axes.plot(range(len(ticks)), values, "o-", label=text)
            axes.fill_between(range(len(ticks)), low, high, color=line.get_color(), alpha=0.15, linewidth=0)
        axes.set_xticks(range(len(ticks)), ticks)
        axes.set_xlabel("latest films of the history that are known")
        axes.set_ylabel(lengths.metric.upper())
        _legend(axes)
    return written


def _legend(axes: Axes) -> None:
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))  # beside the curves


@contextmanager
def _axes(stem: Path, height: float = 4.0) -> Iterator[tuple[Axes, list[Path]]]:
    """Axes to draw on; afterwards `stem`.png and .svg are written and named in the list."""
    import matplotlib

    matplotlib.use("Agg")  # no window, whatever the machine has
    from matplotlib import pyplot

    written: list[Path] = []
    with matplotlib.rc_context(STYLE):
        figure, axes = pyplot.subplots(figsize=(7.0, height), layout="constrained")
        try:
            yield axes, written
            for suffix, metadata in ((".png", None), (".svg", {"Date": None})):  # no date: the same data, the same file
                figure.savefig(stem.with_suffix(suffix), dpi=150, metadata=metadata)
                written.append(stem.with_suffix(suffix))
        finally:
            pyplot.close(figure)
