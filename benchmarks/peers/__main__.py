"""RecTools' SASRec and BERT4Rec and ours: the same rows, width, blocks and length; NDCG@10 by CPU seconds of training.

    OMP_NUM_THREADS=1 python -m benchmarks.peers FILE [--cpu-seconds 400] [--only rectools-sasrec,bert4rec-causal]

Leave-one-out, all films ranked, seen ones excluded, judged here for everybody. Curves are on the test set, for the
record: nothing is chosen by them. RecTools lives in an environment of its own, because it needs another numpy: made
with uv from `requirements.txt` (hashed) in `.venv` beside this file, unless it is there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.__main__ import say, table
from recommender_api.data import TrainingData
from recommender_api.evaluation.evaluate import ranking_metrics
from recommender_api.evaluation.protocols import LeaveOneOut
from recommender_api.evaluation.splits import Split
from recommender_api.models.base import Ranker
from recommender_api.models.watching import Watch
from recommender_api.sequence_files import read_sequences

HERE = Path(__file__).parent
WIDTH, BLOCKS, LENGTH = 64, 2, 100
K = 10
THEIRS = {"rectools-sasrec": "sasrec", "rectools-bert4rec": "bert4rec"}
OURS: Mapping[str, Mapping[str, object]] = {
    "bert4rec-causal": {"objective": "causal", "windows": "one"},
    "bert4rec-masked": {"objective": "masked"},
}
TRAINER = {  # both objectives
    "heads": 1,
    "positions": "none",
    "attention_bias": "relative",
    "convolution": 3,
    "batch_size": 16,
    "learning_rate": 3e-3,
    "warmup_steps": 200,
    "validate_every": 1,
    "patience": 1000,
}
OUR_EPOCHS = 10


@dataclass(frozen=True)
class Point:
    epoch: int
    cpu_s: float  # of training so far, evaluation excluded
    hr: float
    ndcg: float


class BudgetSpent(Exception):
    """Ends a training of ours after the epoch that went over its CPU seconds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="user item lines, such as ml-1m.txt")
    parser.add_argument("--cpu-seconds", type=float, default=400.0, help="of training, for each model")
    parser.add_argument("--only", default=",".join([*THEIRS, *OURS]))
    parser.add_argument("--venv", type=Path, default=HERE / ".venv")
    parser.add_argument("--out", type=Path, help="also write the curves as JSON")
    given = parser.parse_args()
    split = LeaveOneOut().split(read_sequences(given.file))
    curves: dict[str, list[Point]] = {}
    for name in given.only.split(","):
        say(f"training {name}")
        if name in THEIRS:
            curves[name] = theirs(THEIRS[name], split, given.cpu_seconds, given.venv)
        else:
            curves[name] = ours(OURS[name], split, given.cpu_seconds)
        show(name, curves[name])
    compare(curves)
    if given.out:
        document = {name: [vars(point) for point in curve] for name, curve in curves.items()}
        given.out.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def show(name: str, curve: list[Point]) -> None:
    rows = [(str(point.epoch), f"{point.cpu_s:.0f}", f"{point.hr:.4f}", f"{point.ndcg:.4f}") for point in curve]
    table(name, ("epoch", "CPU s", "HR@10", "NDCG@10"), rows)


def compare(curves: Mapping[str, list[Point]]) -> None:
    """For each of theirs: the best that it reached, and when ours were there."""
    rows = []
    for theirs_name in (name for name in curves if name in THEIRS):
        best = max(curves[theirs_name], key=lambda point: point.ndcg)
        for name in (name for name in curves if name in OURS):
            there = next((point for point in curves[name] if point.ndcg >= best.ndcg), None)
            when = f"{there.cpu_s:.0f} s, {there.cpu_s / best.cpu_s:.2f} of the time" if there else "not reached"
            rows.append((theirs_name, f"{best.ndcg:.4f}", f"{best.cpu_s:.0f} s", name, when))
    if rows:
        table("The same quality", ("theirs", "best NDCG@10", "after", "ours", "there after"), rows)


def ours(chosen: Mapping[str, object], split: Split, cpu_s: float) -> list[Point]:
    from recommender_api.models.bert4rec import Bert4Rec, Options

    curve: list[Point] = []

    def after_epoch(ranker: Ranker) -> Mapping[str, float]:
        assert isinstance(ranker, Bert4Rec)
        found = ranking_metrics(ranker, split.test, split.candidates)
        curve.append(Point(ranker.epochs_trained, ranker.cpu_seconds, found["hr@10"], found["ndcg@10"]))
        if ranker.cpu_seconds > cpu_s:
            raise BudgetSpent
        return found

    size = {"hidden_size": WIDTH, "layers": BLOCKS, "max_length": LENGTH, "epochs": OUR_EPOCHS}
    options = Options(**{**TRAINER, **size, **chosen})  # type: ignore[arg-type]
    with suppress(BudgetSpent):
        Bert4Rec.fit_watched(split.train, options, Watch(after_epoch))
    return curve


def theirs(model: str, split: Split, cpu_s: float, venv: Path) -> list[Point]:
    python = environment(venv)
    targets = np.array([case.target for case in split.test])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_split(split, folder)
        script = [str(python), str(HERE / "train_rectools.py"), model, str(folder)]
        sizes = [str(WIDTH), str(BLOCKS), str(LENGTH), str(cpu_s), str(K)]
        quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
        subprocess.run([*script, *sizes], check=True, stdout=sys.stderr, env=quiet)
        epochs = json.loads((folder / "epochs.json").read_text())
        return [
            judged(epoch, seconds, np.load(folder / f"lists-{epoch}.npy"), targets)
            for epoch, seconds in enumerate(epochs, start=1)
        ]


def judged(epoch: int, cpu_s: float, lists: np.ndarray, targets: np.ndarray) -> Point:
    """From the films (C, K) that each user was given, -1 for none."""
    hit = lists == targets[:, None]
    gains = hit / np.log2(np.arange(2, lists.shape[1] + 2))
    return Point(epoch, cpu_s, float(hit.any(axis=1).mean()), float(gains.sum(axis=1).mean()))


def write_split(split: Split, folder: Path) -> None:
    """Users and films as rows: what is trained on, and each test user's history in order."""
    train: TrainingData = split.train
    np.savez(folder / "train.npz", users=train.users, items=train.items)
    lengths = [len(case.query.items) for case in split.test]
    np.savez(
        folder / "histories.npz",
        users=np.repeat([case.user for case in split.test], lengths),
        items=np.concatenate([case.query.items for case in split.test]),
        asked=np.array([case.user for case in split.test]),
        candidates=np.flatnonzero(split.candidates),
    )


def environment(venv: Path) -> Path:
    """The Python of RecTools' environment, made where it is missing."""
    python = venv / "bin" / "python"
    if not python.exists():
        say(f"installing RecTools into {venv}")
        uv = str(Path(sys.executable).parent / "uv")
        run: Callable[..., object] = subprocess.run
        run([uv, "venv", "--quiet", "--python", sys.executable, str(venv)], check=True)
        lock = str(HERE / "requirements.txt")
        run([uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", lock], check=True)
    return python


if __name__ == "__main__":
    main()
