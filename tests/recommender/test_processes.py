"""Training in two processes that torchrun starts: what comes out is what one process makes of the same batches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from recommender_api.training import train
from recommender_api.transformer.processes import Processes, rank
from tests.support.pairs import pairs_data
from tests.support.processes import ROOT

SCRIPT = """
import json, sys
from pathlib import Path
from recommender_api.training import assist
from recommender_api.transformer.processes import rank
from tests.recommender.test_processes import DATA, given, train_here

folder, options = Path(sys.argv[1]), json.loads(sys.argv[2])
if rank():
    assist("bert4rec", DATA, options, **given(folder))
else:
    train_here(folder, options)
"""
DATA = pairs_data(users=33)  # batches of 16, 16 and one: of that the second process has no row
OPTIONS: dict[str, Any] = {
    "hidden_size": 16, "layers": 1, "max_length": 12, "batch_size": 16, "epochs": 4, "validate_every": 2,
    "dropout": 0.0, "learning_rate": 1e-2, "precision": "float32", "device": "cpu",
}  # fmt: skip


def given(folder: Path) -> dict[str, Path]:
    return {"models_dir": folder / "models", "checkpoints_dir": folder / "at"}


def train_here(folder: Path, options: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    train("bert4rec", DATA, options, log_dir=folder / "logs", **given(folder))


def train_in_two(folder: Path, options: dict[str, Any]) -> None:
    script = folder / "script.py"
    script.write_text(SCRIPT)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [*launcher, str(script), str(folder), json.dumps(options)], env=env, cwd=ROOT, check=True, capture_output=True
    )


def metrics(folder: Path) -> dict[str, float]:
    [version] = (folder / "models" / "bert4rec").iterdir()  # the second process wrote none
    return dict(json.loads((version / "metrics.json").read_text()))


def losses(log_dir: Path) -> list[float]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert len(list(log_dir.glob("events*"))) == 1
    return [event.value for event in EventAccumulator(str(log_dir)).Reload().Scalars("loss/train")]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "chosen", [{"objective": "causal"}, {"loss": "sampled_softmax", "negatives": 8}], ids=["causal", "masked, sampled"]
)
def test_two_processes_train_as_one_does(chosen: dict[str, Any], tmp_path: Path) -> None:
    alone, both = tmp_path / "one", tmp_path / "two"
    both.mkdir()
    train_here(alone, OPTIONS | chosen)
    train_in_two(both, OPTIONS | chosen)
    loss = losses(alone / "logs")
    assert len(loss) == 4
    if chosen.get("objective") == "causal":  # four epochs of few masks are not enough to see it fall
        assert loss[-1] < loss[0]
    assert losses(both / "logs") == pytest.approx(loss, rel=1e-4)
    one, two = metrics(alone), metrics(both)
    assert two["validation_ndcg@10"] == pytest.approx(one["validation_ndcg@10"], abs=0.02)


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")  # of something else than torchrun
    assert rank() == 0
    assert Processes().sum(1.0, 2.0) == Processes().agree(1.0, 2.0) == [1.0, 2.0]
