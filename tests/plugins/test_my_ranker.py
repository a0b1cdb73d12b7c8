"""The example package joins the command line, the leaderboard, the contract and the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.plugins.conftest import EXAMPLE


def test_it_is_trained_served_and_asked_like_any_other(my_ranker, ready_home, marquee):
    assert "my_ranker" in marquee("models", "list", "--all").out
    trained = marquee("train", "my_ranker", "--shrinkage", "5", "--activate", "--json")
    assert trained.code == 0, trained.err
    told = json.loads(trained.out)
    assert told["model"] == "my_ranker"
    assert told["metrics"]["validation_ndcg@10"] > 0
    answered = json.loads(marquee("recommend", "--sequence", "1,2,3", "--model", "my_ranker", "--json").out)
    assert (answered["strategy"], answered["model"]) == ("model", "my_ranker")
    active = json.loads(marquee("recommend", "--sequence", "1,2,3", "--model", "model", "--json").out)
    assert active["model"] == "my_ranker"


def test_it_stands_in_the_leaderboard_beside_the_others(my_ranker, ready_home, marquee):
    board = marquee("evaluate", "my_ranker", "transitions", "--json")
    assert board.code == 0, board.err
    figures = {row["model"]: row for row in json.loads(board.out)}
    assert figures["my_ranker"]["ndcg@10"] > 0
    assert figures["my_ranker"].keys() == figures["transitions"].keys()


@pytest.mark.slow
def test_its_own_test_is_the_contract_of_every_ranker(example_folder):
    found = [str(example_folder), str(EXAMPLE.parents[1])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(found)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(EXAMPLE), str(EXAMPLE)]
    done = subprocess.run(command, cwd=example_folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert int(done.stdout.split(" passed")[0].split()[-1]) > 15, done.stdout
