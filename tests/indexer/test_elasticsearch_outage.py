"""Elasticsearch with a password, frozen, killed and started again: quick refusals without secrets, and recovery.

The server is this file's own: it must not be the one that other tests use at the same time.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from pydantic import SecretStr
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from indexer.elasticsearch_store import open_elasticsearch
from indexer.ports import Stores
from indexer.settings import StoreSettings
from indexer.types import Rating
from service_kit.deadline import deadline
from service_kit.errors import StoreUnavailable
from tests.conftest import service_missing
from tests.support.elasticsearch_distribution import Unobtainable
from tests.support.elasticsearch_node import Node, running_node
from tests.support.live import live
from tests.support.store_contract.films import FILMS, HEAT, SPACE, at, ids, vector

PASSWORD = "pass word:@/%24-7f3a"
REQUEST_S = 2.0  # the deadline of a request

pytestmark = [pytest.mark.elasticsearch, pytest.mark.slow]


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    try:
        with running_node(password=PASSWORD) as node:
            yield node
    except Unobtainable as missing:
        if "ELASTICSEARCH_URL" in os.environ:
            pytest.skip(f"needs a server of its own: {missing}")
        service_missing(str(missing))


@pytest.fixture
def stores(node: Node) -> Iterator[Stores]:
    opened = open_elasticsearch(node.url, StoreSettings(elasticsearch_password=SecretStr(PASSWORD)))
    yield opened
    opened.close()


def refused(stores: Stores) -> tuple[str, float]:
    """What a request is told whose store does not answer, and after how many seconds."""
    started = time.monotonic()
    with deadline(REQUEST_S), pytest.raises(StoreUnavailable) as caught:
        stores.users.history("18")
    return caught.value.detail, time.monotonic() - started


def wait_until_answering(stores: Stores, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            return stores.check()
        except StoreUnavailable:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def fill(stores: Stores) -> None:
    stores.movies.put(FILMS)
    stores.vectors.create(SPACE)
    stores.vectors.put([vector(HEAT, 0)])
    stores.users.merge("18", [Rating("6", 4.5, 7)])


@pytest.mark.parametrize("password", [None, "wrong"])
def test_without_the_right_password_nothing_is_said_but_what_to_set(node: Node, password: str | None) -> None:
    settings = StoreSettings(elasticsearch_password=None if password is None else SecretStr(password))
    opened = open_elasticsearch(node.url, settings)
    for call in (opened.check, opened.movies.count, lambda: opened.users.merge("18", [Rating("6", 4.5, 7)])):
        with pytest.raises(StoreUnavailable, match="MARQUEE_ELASTICSEARCH_USER") as caught:
            call()
        assert node.url in caught.value.detail
        assert "wrong" not in caught.value.detail
    opened.close()


def test_the_password_may_be_in_the_url_and_is_never_told(node: Node) -> None:
    quoted = "".join(f"%{ord(letter):02x}" for letter in PASSWORD)
    opened = open_elasticsearch(node.url.replace("://", f"://elastic:{quoted}@"), StoreSettings())
    opened.check()
    opened.close()
    nobody = f"http://elastic:{quoted}@127.0.0.1:{_unused_port()}"
    detail, _ = refused(open_elasticsearch(nobody, StoreSettings()))
    assert "out of reach" in detail
    assert PASSWORD not in detail
    assert quoted not in detail


def test_a_frozen_server_is_refused_in_time_and_used_again_when_it_answers(node: Node, stores: Stores) -> None:
    fill(stores)
    node.pause()
    try:
        detail, seconds = refused(stores)
        assert "did not answer in time" in detail
        assert seconds < REQUEST_S
        with ThreadPoolExecutor(12) as pool:  # each a request of its own
            answers = list(pool.map(lambda _: refused(stores), range(24)))
        assert max(seconds for _, seconds in answers) < REQUEST_S
        _, seconds = refused(stores)  # by now nobody waits any more
        assert seconds < 0.5
    finally:
        node.resume()
    wait_until_answering(stores, 5)
    assert stores.users.history("18").movie_ids == ("6",)
    assert ids(stores.vectors.nearest(at(0)[None], 1)) == ["6"]


@pytest.mark.filterwarnings("ignore:.*indices.breaker.total.limit")  # the server warns of a limit that low
def test_an_overloaded_server_refuses_requests_and_bulk_work_waits_for_it(node: Node, stores: Stores) -> None:
    fill(stores)
    with Elasticsearch(node.url, basic_auth=("elastic", PASSWORD)) as client:
        limit = "indices.breaker.total.limit"
        room = threading.Timer(1.0, client.cluster.put_settings, kwargs={"persistent": {limit: None}})
        try:
            client.cluster.put_settings(persistent={limit: "1%"})  # memory for nothing but this setting
            detail, seconds = refused(stores)
            assert "overloaded" in detail
            assert seconds < 2  # at once; the rest is room for a busy machine
            room.start()
            assert stores.users.history("18").movie_ids == ("6",)  # no deadline: the command line, a load
            room.join()
        finally:
            client.cluster.put_settings(persistent={limit: None})


def test_what_was_acknowledged_survives_a_kill_and_is_served_again(node: Node, stores: Stores) -> None:
    fill(stores)
    acknowledged = []
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(stores.users.merge, f"u{n % 4}", [Rating(str(n), 3.0, n)]) for n in range(10_000)]
        while sum(future.done() for future in futures) < 40:
            time.sleep(0.01)
        node.kill()
        for number, future in enumerate(futures):
            future.cancel()
            if not future.cancelled() and future.exception() is None:
                acknowledged.append(number)
    detail, seconds = refused(stores)
    assert "out of reach" in detail or "several times in a row" in detail
    assert seconds < 0.5
    with deadline(REQUEST_S), pytest.raises(StoreUnavailable):
        stores.vectors.nearest(np.ones((1, 3), np.float32), 3)
    node.start()
    wait_until_answering(stores, 30)
    kept = {movie for user in range(4) for movie in stores.users.history(f"u{user}").movie_ids}
    assert len(acknowledged) >= 40
    assert {str(number) for number in acknowledged} <= kept
    assert stores.users.history("18").movie_ids == ("6",)
    assert ids(stores.vectors.nearest(at(0)[None], 1)) == ["6"]


@pytest.mark.parametrize("body", ['{"status": "green"}', "<html>a page</html>"])
def test_another_server_at_that_address_is_told_from_elasticsearch(body: str) -> None:
    async def somebody(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            kind = "application/json" if body.startswith("{") else "text/html"
            await Response(body, media_type=kind)(scope, receive, send)

    with live(somebody) as url:
        opened = open_elasticsearch(url, StoreSettings())
        with pytest.raises(StoreUnavailable, match="not Elasticsearch"):
            opened.check()
        with pytest.raises(StoreUnavailable, match="not Elasticsearch"):
            opened.users.history("18")
        opened.close()


def test_a_service_can_start_while_the_server_is_down() -> None:
    opened = open_elasticsearch(f"http://127.0.0.1:{_unused_port()}", StoreSettings())
    with pytest.raises(StoreUnavailable, match="start it"):
        opened.check()
    opened.close()


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
