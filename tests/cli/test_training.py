"""`marquee train` interrupted and resumed, and stored versions that this release cannot use any more."""

from __future__ import annotations

import json

import pytest

from recommender_api.model_files import active_version
from recommender_api.transformer import trainer
from tests.support.earlier_release import as_an_earlier_release_wrote_it

SMALL = ("--epochs", "3", "--hidden-size", "8", "--layers", "1", "--max-length", "10", "--device", "cpu")


def test_setup_trains_again_where_an_earlier_release_wrote_the_active_version(ready_home, marquee):
    assert marquee("train", "transitions", "--activate").code == 0
    before = as_an_earlier_release_wrote_it(ready_home)
    done = marquee("setup", "--dataset", "demo")
    assert done.code == 0
    assert "has the options" in done.err
    assert "train again" in done.err
    active = active_version(ready_home / "models")  # none, where a model is no better than neighbours
    assert active is None or active[1] != before
    assert "nothing to train" in marquee("setup", "--dataset", "demo").err


@pytest.mark.parametrize(
    ("models", "why"),
    [("regression", "no model beats popular and neighbours"), ("nosuch", "no model could be trained")],
)
def test_where_a_later_training_finds_no_winner_what_served_goes_on_and_a_line_says_so(
    ready_home, marquee, monkeypatch, models, why
):
    assert marquee("train", "transitions", "--activate").code == 0
    before = active_version(ready_home / "models")
    assert before is not None
    monkeypatch.setenv("MARQUEE_DEFAULT_MODELS", models)
    told = marquee("setup").err.splitlines()[-1]
    assert told.startswith(f"train: {why}: transitions {before[1]} from before stays active and serves (")
    assert active_version(ready_home / "models") == before
    assert json.loads(marquee("recommend", "--user", "18", "--json").out)["model"] == "transitions"


def test_without_a_winner_and_with_nothing_from_before_the_strategies_serve(home, marquee, monkeypatch):
    monkeypatch.setenv("MARQUEE_DEFAULT_MODELS", "regression")
    told = marquee("setup", "--dataset", "demo").err.splitlines()[-1]
    assert told.startswith("train: no model beats popular and neighbours: popular and neighbours serve (")
    assert active_version(home / "models") is None


def test_an_interrupt_says_how_to_go_on_and_resume_does(ready_home, marquee, monkeypatch):
    written = trainer.checkpoints.write

    def interrupt(*arguments):
        written(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr("recommender_api.models.watching.CHECKPOINT_EVERY_S", 0.0)
    monkeypatch.setattr(trainer.checkpoints, "write", interrupt)
    stopped = marquee("train", "bert4rec", *SMALL)
    assert stopped.code == 130
    assert "the same command with --resume goes on" in stopped.err
    assert not (ready_home / "models" / "bert4rec").exists()
    monkeypatch.setattr(trainer.checkpoints, "write", written)
    resumed = marquee("train", "bert4rec", *SMALL, "--resume", "--json")
    assert resumed.code == 0
    assert json.loads(resumed.out)["metrics"]["fit_cpu_s"] > 0
    again = marquee("train", "bert4rec", *SMALL, "--resume")
    assert again.code == 1
    assert "no interrupted training" in again.err


@pytest.mark.parametrize("version", ["nosuch", "20200101T000000.000000Z-00000000"])
def test_starting_from_a_version_that_is_not_there_names_those_that_are(version, ready_home, marquee):
    done = marquee("train", "bert4rec", *SMALL, "--start-from", version)
    assert done.code == 1
    assert f"There is no version {version} of bert4rec; there are none" in done.err


def test_a_masked_model_starts_from_a_causal_one_of_the_same_shape(ready_home, marquee):
    causal = marquee("train", "bert4rec", *SMALL, "--objective", "causal", "--json")
    version = json.loads(causal.out)["version"]
    masked = marquee("train", "bert4rec", *SMALL, "--start-from", version)
    assert masked.code == 0
    other = marquee("train", "bert4rec", *SMALL, "--layers", "2", "--start-from", version)
    assert other.code == 1
    assert "has another shape (blocks.1." in other.err
