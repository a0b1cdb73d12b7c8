"""The stack of compose.yaml without containers: each command, environment and health check in it, as plain processes
beside a real Elasticsearch with a password. Only names, ports and folders are those of this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import service_missing
from tests.support import compose, processes
from tests.support.elasticsearch_distribution import Unobtainable
from tests.support.elasticsearch_node import Node, running_node
from tests.support.processes import Process

pytestmark = [pytest.mark.elasticsearch, pytest.mark.e2e, pytest.mark.slow]

PASSWORD = "a-password-of-the-test"
PORTS = {"core": 1111, "embedding": 8000, "recommender": 8001, "elasticsearch": 9200}


@dataclass
class Stack:
    services: dict[str, Any]
    translate: Callable[[str], str]
    home: Path

    def start(self, name: str, parts: ExitStack) -> Process:
        service = self.services[name]
        # An empty value is none to the settings, and would hide what the tests ask for.
        env = {key: self.translate(value) for key, value in service["environment"].items() if value}
        here = {"MARQUEE_HOST": "127.0.0.1", "MARQUEE_PORT": self.port(name), "MARQUEE_DATASET": "demo"}
        command = [*command_here(service["command"])]
        environment = processes.environment(self.home, **{**env, **here})
        return parts.enter_context(processes.process(command, env=environment, cwd=self.home.parent))

    def port(self, name: str) -> str:
        return self.translate(f"http://127.0.0.1:{PORTS.get(name, 0)}").rpartition(":")[2]

    def healthy(self, name: str) -> bool:
        """The health check of the file, run as it stands there."""
        kind, *command = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        translated = [self.translate(word) for word in command_here(command)]
        env = processes.environment(self.home)
        return subprocess.run(translated, env=env, capture_output=True, check=False, timeout=30).returncode == 0


def command_here(command: list[str]) -> list[str]:
    """What the image has on its PATH, from this environment."""
    first, *rest = command
    return {"marquee": [sys.executable, "-m", "marquee"], "python": [sys.executable]}[first] + rest


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    try:
        with running_node(password=PASSWORD) as running:
            yield running
    except Unobtainable as missing:
        service_missing(str(missing))


@pytest.fixture(scope="module")
def stack(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The file's services with the names and ports of this machine."""
    here = {"elasticsearch": node.url.removeprefix("http://")}
    here |= {name: f"127.0.0.1:{processes.free_port()}" for name in ("core", "embedding", "recommender")}

    def translate(text: str) -> str:
        for name, port in PORTS.items():
            text = text.replace(f"http://{name}:{port}", f"http://{here[name]}")
            text = text.replace(f"http://127.0.0.1:{port}", f"http://{here[name]}")
        return text

    services = compose.read({"ELASTIC_PASSWORD": PASSWORD})["services"]
    return Stack(services, translate, tmp_path_factory.mktemp("compose") / "home")


@pytest.fixture(scope="module")
def running(stack: Stack) -> Iterator[dict[str, Process]]:
    """The setup run to its end, then the services in the order in which they wait for each other."""
    with ExitStack() as parts:
        setup = stack.start("setup", parts)
        assert setup.child.wait(300) == 0, setup.said()
        started = {}
        for name in ("embedding", "recommender", "core"):
            started[name] = stack.start(name, parts)
            started[name].wait_for(lambda name=name: stack.healthy(name), f"{name} to be healthy")
        yield started


def test_the_right_answer_follows_with_nothing_else_done(stack, running):
    url = f"http://127.0.0.1:{stack.port('core')}/recommendations"
    answer = httpx.get(url, params={"user_id": "18"}, trust_env=False)
    assert answer.status_code == 200
    assert len(answer.json()["items"]) == 10
    assert httpx.get(url.replace("/recommendations", "/healthz/ready"), trust_env=False).json()["degraded"].keys() <= {
        "recommender"
    }


def test_a_new_film_gets_its_vector_from_the_embedding_service(stack, running):
    core = f"http://127.0.0.1:{stack.port('core')}"
    body = {"900001": {"title": "The Compose Western (2024)", "genres": "Western"}}
    answer = httpx.post(f"{core}/update_movie", json=body, timeout=10, trust_env=False)
    assert answer.json() == {"updated": ["900001"], "vectors": "ready"}


def test_the_setup_may_run_again_and_changes_nothing(stack, running):
    with ExitStack() as parts:
        again = stack.start("setup", parts)
        assert again.child.wait(120) == 0, again.said()
        again.stop_reading()
        assert "load: demo already there" in "\n".join(again.err)
        assert "already there" in again.err[1]
        assert "train: nothing to train" in again.err[2]


def test_a_health_check_fails_where_nobody_listens(stack, running):
    assert stack.healthy("core")
    check = stack.services["core"]["healthcheck"]["test"][1:]
    nowhere = [word.replace(":1111/", f":{processes.free_port()}/") for word in command_here(check)]
    assert subprocess.run(nowhere, capture_output=True, check=False, cwd=compose.ROOT).returncode == 1


def test_the_dev_profile_forwards_to_the_inner_services(stack, running):
    listen = processes.free_port()
    route = f"{listen}:127.0.0.1:{stack.port('embedding')}"
    command = [*command_here(stack.services["dev-ports"]["command"][:3]), route]
    with processes.process(command, env=processes.environment(stack.home), cwd=stack.home.parent) as forward:
        forward.wait_healthy(f"http://127.0.0.1:{listen}/healthz/ready")
        told = httpx.get(f"http://127.0.0.1:{listen}/v1/info", trust_env=False).json()
        assert told["model"].startswith("lsa@")


def test_without_the_password_the_store_is_out_of_reach(stack, running, node):
    with ExitStack() as parts:
        env = processes.environment(stack.home, MARQUEE_STORE=node.url, MARQUEE_ELASTICSEARCH_PASSWORD="wrong")
        status = parts.enter_context(processes.marquee("status", env=env, cwd=stack.home.parent))
        assert status.child.wait(60) == 1
        status.stop_reading()
        assert len(status.err) == 1
        assert "Traceback" not in status.err[0]


def test_every_service_stops_in_order(running):
    for name, process in running.items():
        assert process.stop() == 0, (name, process.said())
        assert "Traceback" not in "\n".join(process.err), name
