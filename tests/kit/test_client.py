"""The client between services: bounded in time, size and number, and honest about what went wrong."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from service_kit import context, deadline
from service_kit.breaker import Breaker
from service_kit.deadline import DeadlineExceeded
from service_kit.errors import NotFound, UpstreamUnavailable
from service_kit.http import ServiceClient
from service_kit.serve import listen
from tests.support.live import live

pytestmark = pytest.mark.slow  # as a whole: the fast tests are to end within a minute


async def trickle(scope, _receive, send):
    """A byte every 50 ms, for ever: no single read takes long."""
    if scope["type"] == "lifespan":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(100):
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await asyncio.sleep(0.05)
    await send({"type": "http.response.body", "body": b"{}"})


@pytest.fixture
def connect():
    """Clients that are closed when the test ends."""
    with contextlib.ExitStack() as stack:
        yield lambda url, **options: stack.enter_context(ServiceClient("tried", url, **options))


def test_it_posts_and_gets(connect, make_service):
    with live(make_service()) as url:
        client = connect(url)
        assert client.post("/sum", {"numbers": [1, 2]}) == {"sum": 3}
        assert client.get("/films/7") == {"film": "7"}


def test_a_problem_comes_back_as_the_same_error(connect, make_service):
    with live(make_service()) as url, pytest.raises(NotFound, match="film none is not in the catalogue"):
        connect(url).get("/films/none")


def test_the_request_id_and_the_time_left_travel_along(connect, make_service):
    with live(make_service()) as url, deadline.deadline(1.0):
        token = context.request_id.set("from-outside")
        left = connect(url, timeout_s=5).get("/left")["left"]
        context.request_id.reset(token)
    assert 0.5 < left <= 1.0


@pytest.mark.parametrize(
    ("path", "why"),
    [("/hang?seconds=4", "within 0.3 s"), ("/docs", "not JSON"), ("/films/bug", "answered 500")],
    ids=["hangs", "garbage", "error"],
)
def test_a_service_that_misbehaves_ends_in_a_sentence(connect, path, why, service_url):
    client = connect(service_url, timeout_s=0.3)
    started = time.monotonic()
    with pytest.raises(UpstreamUnavailable, match=f"the tried service .*{why}"):
        client.get(path)
    assert time.monotonic() - started < 2  # the peer would take 4 s and more


def test_a_service_that_trickles_is_cut_off_in_time(connect):
    with live(trickle) as url:
        client = connect(url, timeout_s=0.3)
        started = time.monotonic()
        with pytest.raises(UpstreamUnavailable, match="within"):
            client.get("/")
        assert time.monotonic() - started < 2  # the peer would take 4 s and more


def test_a_service_that_is_down_is_named(connect):
    with listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
    with pytest.raises(UpstreamUnavailable, match="the tried service is out of reach"):
        connect(f"http://127.0.0.1:{port}").get("/")


def test_nothing_is_sent_when_the_time_is_used_up(connect):
    client = connect("http://127.0.0.1:9")
    with deadline.deadline(0.01):
        time.sleep(0.02)
        with pytest.raises(DeadlineExceeded):
            client.get("/")


def test_after_some_failures_it_fails_at_once_and_later_tries_again(connect, make_service):
    now = [0.0]
    breaker = Breaker(failures=2, open_s=10, clock=lambda: now[0])
    with live(make_service()) as url:
        client = connect(url, breaker=breaker)
        for _ in range(2):
            with pytest.raises(UpstreamUnavailable, match="answered 500"):
                client.get("/films/bug")
        with pytest.raises(UpstreamUnavailable, match="left alone"):
            client.get("/films/1")
        now[0] = 11
        assert client.get("/films/1") == {"film": "1"}
        assert client.get("/films/1") == {"film": "1"}


def test_a_named_problem_of_the_callers_does_not_open_the_breaker(connect, make_service):
    with live(make_service()) as url:
        client = connect(url, breaker=Breaker(failures=1))
        for _ in range(3):
            with pytest.raises(NotFound):
                client.get("/films/none")


def test_calls_beyond_the_cap_fail_at_once(connect):
    arrived, released = threading.Event(), threading.Event()

    async def holds(scope, _receive, send):
        if scope["type"] == "lifespan":
            return
        arrived.set()
        while not released.is_set():
            await asyncio.sleep(0.01)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    with live(holds) as url, ThreadPoolExecutor(1) as pool:
        client = connect(url, timeout_s=10, max_concurrency=1)
        first = pool.submit(client.get, "/")
        assert arrived.wait(10)
        with pytest.raises(UpstreamUnavailable, match="too many calls"):
            client.get("/")
        released.set()
        assert first.result() == {}


def test_the_service_key_is_shown(connect, make_service):
    with live(make_service(service_key="between-us", internal=True)) as url:
        assert connect(url, service_key="between-us").get("/films/1") == {"film": "1"}
        with pytest.raises(UpstreamUnavailable, match="401"):
            connect(url).get("/films/1")


def test_one_caller_at_a_time_tries_an_open_breaker():
    now = [0.0]
    breaker = Breaker(failures=1, open_s=5, clock=lambda: now[0])
    breaker.failed()
    now[0] = 6
    allowed = []
    threads = [threading.Thread(target=lambda: allowed.append(breaker.allows())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert allowed.count(True) == 1


def test_an_inner_deadline_never_reaches_beyond_an_outer_one():
    with deadline.deadline(0.5):
        with deadline.deadline(10):
            assert deadline.remaining(100) <= 0.5
        assert deadline.remaining(0.1) == 0.1
    assert deadline.remaining(7) == 7
