"""Repeated requests answered on the event loop: the same answers, nothing skipped, never a slow store waited for."""

from __future__ import annotations

import threading
import time

import pytest

from core_api.wishes import Wish
from service_kit.keys import digest
from tests.support import world


@pytest.fixture
def core(make_core, stores, recommender, embedder):
    return make_core(stores, recommender, embedder)


def looks(core, monkeypatch):
    """Names of the threads in which histories are read from now on."""
    threads, read = [], core.stores.users.history

    def history(user_id):
        threads.append(threading.current_thread().name)
        return read(user_id)

    monkeypatch.setattr(core.stores.users, "history", history)
    return threads


def test_a_repeated_request_needs_no_thread_and_says_the_same(core, serve, monkeypatch):
    client, threads = serve(core), looks(core, monkeypatch)
    asked = {"user_id": world.MANY, "returnMetadata": True}
    first, *others = (client.get("/recommendations", params=asked) for _ in range(5))
    assert "AnyIO worker" in threads[0]
    assert not any("worker" in name for name in threads[1:] if name != threads[0])
    for other in others:
        assert other.json() == first.json()
        assert other.headers["x-marquee-strategy"] == first.headers["x-marquee-strategy"] == "model"
        assert other.headers["x-request-id"] != first.headers["x-request-id"]


def test_what_differs_in_the_question_differs_in_the_answer(core, serve):
    client = serve(core)
    for _ in range(3):
        assert len(client.get("/recommendations?user_id=18&k=2").json()["items"]) == 2
        assert len(client.get("/recommendations?user_id=18&k=3").json()["items"]) == 3
        assert "title" in client.get("/recommendations?user_id=18&returnMetadata=1").json()["items"][0]
        assert client.get("/recommendations?user_id=18&k=0").status_code == 422


def test_a_write_between_two_requests_shows(core, serve):
    client = serve(core)
    for _ in range(4):
        first, *_ = (item["id"] for item in client.get("/recommendations?user_id=18").json()["items"])
        assert client.put(f"/v1/users/18/ratings/{first}", json={"rating": 4}).status_code == 200
        assert first not in {item["id"] for item in client.get("/recommendations?user_id=18").json()["items"]}


def test_a_slow_store_is_not_asked_on_the_event_loop(core, monkeypatch):
    core.recommend.for_user(world.MANY, Wish())
    read = core.stores.users.history
    monkeypatch.setattr(core.stores.users, "history", lambda user: (time.sleep(0.005), read(user))[1])
    assert core.recommend.for_user(world.MANY, Wish())  # in a thread: it took long
    began = time.perf_counter()
    assert core.recommend.kept(world.MANY, Wish()) is None
    assert time.perf_counter() - began < 0.005
    monkeypatch.setattr(core.stores.users, "history", read)
    core.recommend.for_user(world.MANY, Wish())
    assert core.recommend.kept(world.MANY, Wish()) is not None


def test_a_rate_limit_counts_repeated_requests(make_core, stores, recommender, serve):
    client = serve(make_core(stores, recommender, rate_limit_per_minute=3))
    statuses = [client.get("/recommendations?user_id=18").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


def test_keys_are_asked_for_every_time(make_core, stores, recommender, serve):
    client = serve(make_core(stores, recommender, api_keys=f"read:{digest('the key')}"))
    for headers, status in (
        ({"Authorization": "Bearer the key"}, 200),
        ({}, 401),
        ({"Authorization": "Bearer no"}, 401),
    ):
        for _ in range(3):
            assert client.get("/recommendations?user_id=18", headers=headers).status_code == status
