"""An interrupted training that goes on ends with the weights of one that was not interrupted, whatever ended it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from recommender_api.model_files import load_version
from recommender_api.models.base import Ranker
from recommender_api.models.bert4rec import Bert4Rec, Options
from recommender_api.models.watching import Watch
from recommender_api.training import train
from recommender_api.transformer import checkpoints
from service_kit.errors import InvalidRequest
from tests.support.pairs import pairs_data
from tests.support.processes import ROOT

pytestmark = pytest.mark.slow  # as a whole: the fast tests are to end within a minute

DATA = pairs_data(users=40)
OPTIONS = Options(  # everything that a checkpoint must hold: dropout, a mean of the weights, two phases
    hidden_size=8, layers=1, max_length=8, batch_size=8, epochs=3, pretrain_epochs=2, averaging=0.9, warmup_steps=3,
    dropout=0.2, validate_every=1, attention_bias="relative", convolution=1, device="cpu",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def weights(ranker: Ranker) -> dict[str, np.ndarray]:
    assert isinstance(ranker, Bert4Rec)
    return {name: tensor.numpy() for name, tensor in ranker.network.state_dict().items()}


def assert_same(one: Ranker, other: Ranker) -> None:
    for (name, left), right in zip(weights(one).items(), weights(other).values(), strict=True):
        np.testing.assert_array_equal(left, right, err_msg=name)


def validated(ranker: Ranker) -> dict[str, float]:
    """A figure that depends on the weights and on nothing else."""
    return {"ndcg@10": float(np.abs(weights(ranker)["output_bias"]).sum())}


class Interrupted:
    """A watcher that presses Ctrl-C after so many epochs."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    @contextmanager
    def task(self, what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        def advance(done: int) -> None:
            self.left -= done
            if self.left <= 0:
                raise KeyboardInterrupt

        yield advance


@pytest.fixture(scope="module")
def uninterrupted() -> Bert4Rec:
    torch.set_num_threads(1)
    return Bert4Rec.fit_watched(DATA, OPTIONS, Watch(validated))


@pytest.mark.parametrize("epochs", [1, 2, 4])
def test_a_resumed_training_ends_with_the_same_weights(epochs: int, uninterrupted: Bert4Rec, tmp_path: Path) -> None:
    """Interrupted in the causal phase, at its end, and in the masked one; the last checkpoint is within an epoch."""
    place = tmp_path / "checkpoint.safetensors"
    watch = Watch(validated, checkpoint=place, checkpoint_every_s=0.0)
    with pytest.raises(KeyboardInterrupt):
        Bert4Rec.fit_watched(DATA, OPTIONS, replace(watch, progress=Interrupted(epochs)))
    assert checkpoints.read(place).state["step"] > 0
    resumed = Bert4Rec.fit_watched(DATA, OPTIONS, replace(watch, resume=True))
    assert_same(resumed, uninterrupted)
    assert resumed.epochs_trained == uninterrupted.epochs_trained
    assert resumed.cpu_seconds > 0


def test_other_options_than_those_of_the_checkpoint_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "checkpoint.safetensors"
    watch = Watch(checkpoint=place, checkpoint_every_s=0.0)
    Bert4Rec.fit_watched(DATA, replace(OPTIONS, epochs=1, pretrain_epochs=0), watch)
    with pytest.raises(InvalidRequest, match="other options"):
        Bert4Rec.fit_watched(DATA, replace(OPTIONS, dropout=0.5), replace(watch, resume=True))


@pytest.mark.parametrize("content", [b"", b"\x10\x00\x00\x00\x00\x00\x00\x00{}              ", b"not one at all"])
def test_a_damaged_checkpoint_is_refused_with_a_sentence(content: bytes, tmp_path: Path) -> None:
    place = tmp_path / "checkpoint.safetensors"
    place.write_bytes(content)
    with pytest.raises(InvalidRequest, match=r"is damaged .* train without --resume"):
        Bert4Rec.fit_watched(DATA, OPTIONS, Watch(checkpoint=place, resume=True))


def test_resuming_what_was_never_interrupted_or_cannot_be_is_refused(tmp_path: Path) -> None:
    given = {"epochs": 1, "device": "cpu"}
    with pytest.raises(InvalidRequest, match="no interrupted training with these options"):
        train("bert4rec", DATA, given, models_dir=tmp_path, checkpoints_dir=tmp_path / "at", resume=True)
    with pytest.raises(InvalidRequest, match="transitions keeps no checkpoint"):
        train("transitions", DATA, models_dir=tmp_path, checkpoints_dir=tmp_path / "at", resume=True)


SCRIPT = """
import sys
from dataclasses import asdict
from pathlib import Path
import torch
from recommender_api.models import watching
from recommender_api.training import train
from tests.recommender.test_resume import DATA, OPTIONS

torch.set_num_threads(1)
folder = Path(sys.argv[1])
watching.CHECKPOINT_EVERY_S = 0.0
given = asdict(OPTIONS) | {"epochs": 40}
train("bert4rec", DATA, given, models_dir=folder / "models", checkpoints_dir=folder / "at", resume="resume" in sys.argv)
"""


@pytest.mark.slow
def test_killed_in_the_middle_of_a_step_it_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    """kill -9, three times, each at another moment."""
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for attempt in range(3):
        child = start(killed, "resume" if attempt else "")
        wait_for_progress(killed / "at", child)
        child.send_signal(signal.SIGKILL)
        assert child.wait(60) == -signal.SIGKILL
        assert not (killed / "models" / "bert4rec").exists()
    assert start(killed, "resume").wait(120) == 0
    assert start(whole, "").wait(120) == 0
    assert_same(*(newest(folder / "models") for folder in (killed, whole)))
    assert not list((killed / "at").iterdir())  # done: nothing to resume


def start(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder), *words], env=env, cwd=ROOT)


def wait_for_progress(folder: Path, child: subprocess.Popen[bytes]) -> None:
    """Until the checkpoint has been replaced a few times."""
    seen: set[int] = set()
    deadline = time.monotonic() + 60
    while len(seen) < 4:
        assert child.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        seen |= {path.stat().st_mtime_ns for path in folder.glob("*.safetensors")}
        time.sleep(0.005)


def newest(models_dir: Path) -> Ranker:
    [version] = (models_dir / "bert4rec").iterdir()
    return load_version(models_dir, "bert4rec", version.name).ranker
