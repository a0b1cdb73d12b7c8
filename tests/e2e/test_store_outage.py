"""Elasticsearch freezes or dies under a running core: every call says so in time, and all is well when it is back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import httpx
import pytest

from core_api.app import create_app
from core_api.core import Core
from core_api.settings import CoreSettings
from indexer.elasticsearch_store import open_elasticsearch
from indexer.settings import StoreSettings
from tests.conftest import service_missing
from tests.support import world
from tests.support.elasticsearch_distribution import Unobtainable
from tests.support.elasticsearch_node import Node, running_node
from tests.support.live import live

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.elasticsearch]

CALLS = (
    ("GET", "/recommendations?user_id=18", None),
    ("GET", "/features?user_id=18", None),
    ("POST", "/update_ratings", {"18": {"movie_id": "1", "rating": 3}}),
    ("POST", "/update_movie", {"1": {"title": "Another Title (1979)"}}),
    ("GET", "/v1/users/18/recommendations", None),
    ("GET", "/v1/movies?q=orbit", None),
    ("GET", "/v1/users/18/ratings", None),
)
WITHIN_S = 2.3  # the deadline of 2 s, and a busy machine


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    try:
        with running_node() as node:
            yield node
    except Unobtainable as missing:
        if "ELASTICSEARCH_URL" in os.environ:
            pytest.skip(f"needs a server of its own: {missing}")
        service_missing(str(missing))


@pytest.fixture(scope="module")
def client(node) -> Iterator[httpx.Client]:
    stores = open_elasticsearch(node.url, StoreSettings(_env_file=None))
    world.fill(stores)
    core = Core(stores, None, None, CoreSettings(_env_file=None))
    with live(create_app(core)) as url, httpx.Client(base_url=url, timeout=10) as client:
        yield client
    stores.close()


def refused(client: httpx.Client) -> None:
    for method, path, body in CALLS:
        began = time.monotonic()
        answer = client.request(method, path, json=body)
        took = time.monotonic() - began
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json"), path
        assert int(answer.headers["retry-after"]) >= 1
        assert took < WITHIN_S, f"{path} took {took:.1f} s"
    assert client.get("/healthz/live").status_code == 200
    until = time.monotonic() + 5
    while client.get("/healthz/ready").status_code != 503:  # asked at most once a second
        assert time.monotonic() < until, "readiness did not notice"
        time.sleep(0.2)


def served(client: httpx.Client, seconds: float) -> None:
    until = time.monotonic() + seconds
    while client.get("/healthz/ready").status_code != 200:
        assert time.monotonic() < until, "the core did not recover"
        time.sleep(0.2)
    for method, path, body in CALLS:
        assert client.request(method, path, json=body).status_code == 200, path


def test_a_frozen_elasticsearch_is_a_503_in_time_and_recovers_by_itself(node, client):
    served(client, 10)
    node.pause()
    try:
        refused(client)
    finally:
        node.resume()
    served(client, 10)


def test_a_killed_elasticsearch_is_a_503_in_time_and_recovers_by_itself(node, client):
    node.kill()
    refused(client)
    node.start()
    served(client, 30)
