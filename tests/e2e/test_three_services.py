"""Core, recommender and embedding service as processes, over HTTP, on a real Elasticsearch, with MovieLens.

First the contract that the embedded default keeps too; then each service is stopped, and brought back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.support import processes
from tests.support.processes import Process
from tests.support.public_contract import PublicContract

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.elasticsearch]

KEY = "between-the-services"
IN_TIME_S = 2.5  # the deadline of a request, and a busy machine's half second


@dataclass
class Services:
    """Three running processes by name; any can be stopped and started again on its port."""

    env: dict[str, str]
    cwd: Path
    parts: ExitStack
    ports: dict[str, int] = field(default_factory=lambda: {name: processes.free_port() for name in NAMES})
    running: dict[str, Process] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Returns when the service can do its work."""
        command = ("serve", name, "--port", str(self.ports[name]))
        self.running[name] = self.parts.enter_context(processes.marquee(*command, env=self.env, cwd=self.cwd))
        self.running[name].wait_healthy(f"{self.url(name)}/healthz/ready")

    def stop(self, name: str) -> int:
        return self.running.pop(name).stop()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"


NAMES = ("embedding", "recommender", "core")


@pytest.fixture(scope="module")
def services(prepare, elasticsearch_url, tmp_path_factory) -> Iterator[Services]:
    home = tmp_path_factory.mktemp("services")
    store = {"MARQUEE_STORE": elasticsearch_url, "MARQUEE_ELASTICSEARCH_PREFIX": f"e2e{os.getpid()}_"}
    prepared = prepare(home, **store)
    with ExitStack() as parts:
        services = Services(prepared, home, parts)
        services.env = {
            **prepared,
            "MARQUEE_EMBEDDING_URL": services.url("embedding"),
            "MARQUEE_RECOMMENDER_URL": services.url("recommender"),
            "MARQUEE_SERVICE_KEY": KEY,
        }
        for name in NAMES:
            services.start(name)
        yield services
        assert {name: services.stop(name) for name in NAMES} == dict.fromkeys(NAMES, 0)


@pytest.fixture
def client(services) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=services.url("core"), timeout=10) as client:
        yield client


def test_the_services_take_no_call_without_their_key(services):
    body = {"history": {"ids": ["1"], "ratings": [5], "timestamps": [1]}, "k": 3}
    assert httpx.post(f"{services.url('recommender')}/rank", json=body).status_code == 401
    assert httpx.post(f"{services.url('embedding')}/v1/embeddings", json={"input": ["film"]}).status_code == 401


def test_the_model_answers_with_real_titles(client):
    answer = client.get("/recommendations", params={"user_id": "18", "returnMetadata": "true"})
    assert answer.headers["x-marquee-strategy"] == "model"
    assert all(item["title"] for item in answer.json()["items"])


class TestPublicContract(PublicContract):
    pass


def wait_until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("recommender", "recommender_unavailable"), ("embedding", None)],
    ids=["recommender", "embedding"],
)
def test_a_service_that_stops_is_done_without_and_used_again_when_it_is_back(services, client, name, reason):
    assert services.stop(name) == 0
    for _ in range(3):
        began = time.monotonic()
        answer = client.get("/v1/users/18/recommendations")
        assert answer.status_code == 200
        assert time.monotonic() - began < IN_TIME_S
        assert len(answer.json()["items"]) == 10
        assert answer.json()["fallback_reason"] == reason
    assert client.get("/v1/movies", params={"q": "toy story"}).json()["items"][0]["id"] == "1"
    if name == "embedding":
        film = client.post("/update_movie", json={"900001": {"title": "A Film Nobody Has Embedded (2026)"}}).json()
        assert film["vectors"] == "pending"
    wait_until(lambda: name in client.get("/healthz/ready").json()["degraded"])

    services.start(name)
    wait_until(lambda: client.get("/healthz/ready").json()["status"] == "ready")
    again = client.get("/v1/users/18/recommendations").json()
    assert (again["strategy"], again["fallback_reason"]) == ("model", None)
    if name == "embedding":
        film = client.post("/update_movie", json={"900001": {"genres": "Drama"}}).json()
        assert film["vectors"] == "ready"
        assert client.delete("/v1/movies/900001").is_success
