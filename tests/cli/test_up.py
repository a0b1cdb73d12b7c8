"""`marquee up` as a process: from nothing to recommendations, a quick second start, an orderly end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from recommender_api.model_files import active_version
from tests.support import processes
from tests.support.earlier_release import as_an_earlier_release_wrote_it
from tests.support.processes import Process

pytestmark = [pytest.mark.e2e]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up")


def as_a_user(home: Path) -> dict[str, str]:
    """With all the models that are trained by default, slow ones too."""
    env = processes.environment(home, MARQUEE_MODEL_POLL_S="0.2")
    del env["MARQUEE_DEFAULT_MODELS"]
    return env


@pytest.fixture(scope="module")
def first_start(folder: Path) -> Iterator[tuple[Process, str]]:
    """The first `marquee up` on an empty home, waited for until everything is prepared."""
    env = as_a_user(folder / "home")
    with processes.marquee("up", "--dataset", "demo", "--port", "0", env=env, cwd=folder) as up:
        up.wait_for(lambda: up.out, "the URL")
        yield up, up.out[0]


def recommendations(url: str, user: str) -> httpx.Response:
    return httpx.get(f"{url}/recommendations", params={"user_id": user, "returnMetadata": "true"}, trust_env=False)


def test_it_answers_as_soon_as_the_url_is_printed(first_start):
    up, url = first_start
    answer = recommendations(url, "18")
    assert answer.status_code == 200, up.said()
    assert len(answer.json()["items"]) == 10
    assert answer.headers["X-Marquee-Strategy"] in {"popular", "neighbours", "model"}
    assert httpx.get(f"{url}/healthz/ready", trust_env=False).status_code == 200


def test_until_a_model_is_trained_the_answer_says_so(first_start):
    up, url = first_start
    answer = recommendations(url, "18")  # 26 ratings: a model's user
    if len(up.out) == 1:  # still preparing
        assert answer.headers["X-Marquee-Strategy"] in {"popular", "neighbours"}
        assert answer.headers["X-Marquee-Fallback-Reason"] == "model_training"


def test_everything_is_prepared_beside_it_and_the_url_is_the_last_line(first_start):
    up, url = first_start
    up.wait_for(lambda: len(up.out) == 2, "the end of the preparation")
    assert up.out == [url, url]
    said = "\n".join(up.err)
    assert "embed: 40 films embedded" in said
    assert "train: " in said
    steps = {step["step"]: step["state"] for step in httpx.get(f"{url}/v1/info", trust_env=False).json()["preparation"]}
    assert steps["fitting transitions"] == "done"  # the child's progress, shown by the parent
    assert set(steps.values()) == {"done"}


def test_a_rating_changes_the_very_next_answer(first_start):
    _up, url = first_start
    best = recommendations(url, "20").json()["items"][0]["id"]
    body = {"20": {"movie_id": [best], "ratings": [5.0]}}
    assert httpx.post(f"{url}/update_ratings", json=body, trust_env=False).status_code == 200
    assert best not in {item["id"] for item in recommendations(url, "20").json()["items"]}


def test_the_port_being_taken_is_one_sentence_before_any_work(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        env = processes.environment(folder / "another-home")
        with processes.marquee("up", "--dataset", "demo", "--port", str(port), env=env, cwd=folder) as up:
            assert up.child.wait(60) == 1
            up.stop_reading()
    assert up.out == []
    assert len(up.err) == 1
    assert str(port) in up.err[0]
    assert "choose another one" in up.err[0]
    assert not (folder / "another-home" / "store").exists()


def test_sigterm_ends_it_in_order(first_start):
    up, url = first_start
    assert up.stop(signal.SIGTERM) == 0, up.said()
    assert not processes.answers(f"{url}/healthz/live")
    assert "Traceback" not in "\n".join(up.err)


def test_a_second_start_does_nothing_again_and_ctrl_c_ends_it(folder, first_start):
    env = as_a_user(folder / "home")
    with processes.marquee("up", "--port", "0", env=env, cwd=folder) as up:
        up.wait_for(lambda: up.out, "the URL")
        assert [line.split(":")[0] for line in up.err] == ["load", "embed", "train"]
        assert "40 vectors already there" in up.err[1]
        assert recommendations(up.out[0], "18").status_code == 200
        assert up.stop(signal.SIGINT) == 0
        assert len(up.out) == 1
        assert "Traceback" not in "\n".join(up.err)


def test_stopped_while_it_prepares_it_leaves_no_child(folder):
    """Training is a child in a session of its own; it must not outlive its parent."""
    env = processes.environment(folder / "third-home", MARQUEE_DEFAULT_MODELS="bert4rec")
    with processes.marquee("up", "--dataset", "demo", "--port", "0", env=env, cwd=folder) as up:
        up.wait_for(lambda: children(up.child.pid), "the training to start")
        [child] = children(up.child.pid)
        assert up.stop() == 0, up.said()
    assert not alive(child)


def test_an_active_version_that_is_not_the_newest_serves_and_nothing_is_trained(ready_home, marquee, tmp_path):
    assert marquee("train", "transitions", "--activate").code == 0
    old = active_version(ready_home / "models")
    assert old is not None
    assert marquee("train", "transitions").code == 0  # a newer one, which nobody activated
    stored = sorted((ready_home / "models" / "transitions").iterdir())
    with processes.marquee("up", "--port", "0", env=processes.environment(ready_home), cwd=tmp_path) as up:
        up.wait_for(lambda: up.out, "the URL")
        answer = httpx.get(f"{up.out[0]}/v1/users/18/recommendations", trust_env=False).json()
        assert (answer["strategy"], answer["model"], answer["model_version"]) == ("model", *old)
        assert up.stop() == 0, up.said()
    assert up.err[-1] == "train: nothing to train"
    assert active_version(ready_home / "models") == old
    assert sorted((ready_home / "models" / "transitions").iterdir()) == stored


def test_an_active_version_of_an_earlier_release_is_replaced_beside_the_server(ready_home, marquee, tmp_path):
    assert marquee("train", "transitions", "--activate").code == 0
    before = as_an_earlier_release_wrote_it(ready_home)
    with processes.marquee("up", "--port", "0", env=processes.environment(ready_home), cwd=tmp_path) as up:
        up.wait_for(lambda: up.out, "the URL")
        assert recommendations(up.out[0], "18").status_code == 200
        up.wait_for(lambda: len(up.out) == 2, "the end of the training")
        assert recommendations(up.out[0], "18").status_code == 200
        assert up.stop() == 0, up.said()
    assert "train again" in "\n".join(up.err)
    active = active_version(ready_home / "models")  # none, where a model is no better than neighbours
    assert active is None or active[1] != before


def children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    return [child for child, parent in pairs if parent == pid]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
