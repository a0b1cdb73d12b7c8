"""RecTools' SASRec and BERT4Rec and ours: the same rows, width, blocks and length; NDCG@10 by CPU seconds of training.

    OMP_NUM_THREADS=1 python -m benchmarks.peers FILE [--cpu-seconds 400] [--only rectools-sasrec,bert4rec-causal]

Theirs run with their defaults, `bert4rec-causal` and `bert4rec-masked` with our recipe (`TUNED`), so what lies between
them is engine and recipe together. `bert4rec-causal-plain` is the engine alone: SASRec's own settings (`PLAIN`), that
is one latest window a user, two heads, positions as theirs, no bias by distance, no convolution, a feed-forward layer
as wide as the model, dropout 0.2, batches of 128 at a constant 0.001, noise to start from. What still differs: pre-norm
blocks with GELU, no dropout inside attention, an output bias that begins at log popularity, batches of sequences of
like length padded to the longest, bfloat16 where it is quick. The settings are printed, and written with --out.

Leave-one-out, all films ranked, seen ones excluded, judged here for everybody. Curves are on the test set, for the
record: nothing is chosen by them, but theirs is compared at the point of its curve that is best on that test
set. RecTools lives in an environment of its own, because it needs another numpy: made with uv from
`requirements.txt` (hashed) in `.venv` beside this file, unless it is there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.__main__ import say, table
from benchmarks.command import chosen, command, in_one_sentence
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
PLAIN: Mapping[str, object] = {  # RecTools' SASRec, as near as our options come
    "objective": "causal",
    "windows": "one",
    "random_window": 0.0,
    "heads": 2,
    "positions": "from_end",
    "attention_bias": "none",
    "convolution": 0,
    "widening": 1,
    "dropout": 0.2,
    "start_from_counts": False,
    "batch_size": 128,
    "learning_rate": 1e-3,
    "schedule": "constant",
    "warmup_steps": 0,
    "clip_norm": 1e6,
    "epochs": 1000,  # its schedule has no end: the CPU seconds are one
    "validate_every": 3,
}
TUNED: Mapping[str, object] = {
    "heads": 1,
    "positions": "none",
    "attention_bias": "relative",
    "convolution": 3,
    "batch_size": 16,
    "learning_rate": 3e-3,
    "warmup_steps": 200,
    "epochs": 10,
    "validate_every": 1,
}
OURS: Mapping[str, Mapping[str, object]] = {
    "bert4rec-causal": {**TUNED, "objective": "causal", "windows": "one"},
    "bert4rec-causal-plain": PLAIN,
    "bert4rec-masked": {**TUNED, "objective": "masked"},
}
SIZES: Mapping[str, object] = {"hidden_size": WIDTH, "layers": BLOCKS, "max_length": LENGTH}
# What RecTools 0.19 is run with (`train_rectools`), in the words of our options.
THEIR_SETTINGS: Mapping[str, Mapping[str, object]] = {
    "rectools-sasrec": {name: PLAIN[name] for name in PLAIN if name not in ("epochs", "validate_every", "clip_norm")},
    "rectools-bert4rec": {
        "objective": "masked",
        "windows": "one",
        "random_window": 0.0,
        "heads": 2,
        "positions": "from_end",
        "attention_bias": "none",
        "convolution": 0,
        "widening": 4,
        "dropout": 0.2,
        "start_from_counts": False,
        "batch_size": 128,
        "learning_rate": 1e-3,
        "schedule": "constant",
        "warmup_steps": 0,
        "mask_probability": 0.2,
        "last_item_share": 0.0,
    },
}
SHOWN = [name for name in THEIR_SETTINGS["rectools-sasrec"] if name != "random_window"]


@dataclass(frozen=True)
class Point:
    epoch: int
    cpu_s: float  # of training so far, evaluation excluded
    hr: float
    ndcg: float


class BudgetSpent(Exception):
    """Ends a training of ours after the epoch that went over its CPU seconds."""


@in_one_sentence()
def main() -> None:
    parser = command(__doc__)
    parser.add_argument("file", type=Path, metavar="FILE", help="lines of a user and an item, such as ml-1m.txt")
    parser.add_argument("--cpu-seconds", type=float, default=400.0, help="of training, for each model")
    known = [*THEIRS, *OURS]
    parser.add_argument("--only", default=",".join(known), help="some of: " + ", ".join(known))
    parser.add_argument("--venv", type=Path, default=HERE / ".venv", help="RecTools' environment")
    parser.add_argument("--out", type=Path, help="also write settings and curves as JSON, anew after each model")
    given = parser.parse_args()
    names = chosen(parser, given.only, known)
    split = LeaveOneOut().split(read_sequences(given.file))
    settings = {name: dict(settings_of(name)) for name in names}
    show_settings(settings)
    curves: dict[str, list[Point]] = {}
    for name in names:
        say(f"training {name}")
        if name in THEIRS:
            curves[name] = theirs(THEIRS[name], split, given.cpu_seconds, given.venv)
        else:
            curves[name] = ours(settings[name], split, given.cpu_seconds)
        show(name, curves[name])
        if given.out:
            document = {
                "settings": settings,
                "curves": {done: [vars(point) for point in curve] for done, curve in curves.items()},
            }
            given.out.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    compare(curves)


def settings_of(name: str) -> Mapping[str, object]:
    """All options of one of ours; of theirs what our options have words for."""
    from recommender_api.models.bert4rec import Options

    if name in THEIRS:
        return {**SIZES, **THEIR_SETTINGS[name]}
    return asdict(Options(**{"patience": 1000, **SIZES, **OURS[name]}))  # type: ignore[arg-type]


def show_settings(settings: Mapping[str, Mapping[str, object]]) -> None:
    rows = [(option, *(str(of_model.get(option, "-")) for of_model in settings.values())) for option in SHOWN]
    table("Settings", ("option", *settings), rows)


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


def ours(settings: Mapping[str, object], split: Split, cpu_s: float) -> list[Point]:
    from recommender_api.models.bert4rec import Bert4Rec, Options

    curve: list[Point] = []

    def after_epoch(ranker: Ranker) -> Mapping[str, float]:
        assert isinstance(ranker, Bert4Rec)
        found = ranking_metrics(ranker, split.test, split.candidates)
        curve.append(Point(ranker.epochs_trained, ranker.cpu_seconds, found["hr@10"], found["ndcg@10"]))
        say(f"epoch {ranker.epochs_trained}: {ranker.cpu_seconds:.0f} CPU s, NDCG@10 {found['ndcg@10']:.4f}")
        if ranker.cpu_seconds > cpu_s:
            raise BudgetSpent
        return found

    with suppress(BudgetSpent):
        Bert4Rec.fit_watched(split.train, Options(**settings), Watch(after_epoch))  # type: ignore[arg-type]
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
