"""Something is down, hangs or talks nonsense: every call still answers in time, worse, and says why.

The failing services are real servers on loopback ports, the failing stores real clients of addresses that do not
answer.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import ExitStack

import pytest

from embedding_generator.http import HttpEmbedder
from indexer import open_stores
from indexer.settings import StoreSettings
from recommender_api.app import create_app as recommender_app
from recommender_api.http import HttpRecommender
from recommender_api.settings import RecommenderSettings
from service_kit.errors import ModelUnavailable
from service_kit.http import ServiceClient
from tests.support import world
from tests.support.bad_servers import FAILING, closed_port, silent_port
from tests.support.live import live
from tests.support.public_contract import ids, problem

DEADLINE_S = 2.0


@pytest.fixture
def service(request):
    """Client of a failing service; `down` is one that nobody listens for."""
    with ExitStack() as stack:
        kind = request.param
        url = f"http://127.0.0.1:{closed_port()}" if kind == "down" else stack.enter_context(live(FAILING[kind]))
        yield stack.enter_context(ServiceClient("failing", url, timeout_s=0.4))


def timed(call):
    begun = time.monotonic()
    answer = call()
    assert time.monotonic() - begun < DEADLINE_S + 0.5
    return answer


EVERY_WAY = pytest.mark.parametrize(
    "service",
    [pytest.param(kind, marks=[pytest.mark.slow] * (kind == "hangs")) for kind in ("down", *FAILING)],
    indirect=True,
)


@EVERY_WAY
def test_without_the_recommender_neighbours_answer(serve, make_core, stores, embedder, service):
    client = serve(make_core(stores, HttpRecommender(service), embedder))
    for _ in range(8):  # beyond the number of failures that opens the breaker
        answer = timed(lambda: client.get("/recommendations", params={"user_id": world.MANY}))
        assert len(ids(answer)) == 10
        assert answer.headers["x-marquee-strategy"] == "neighbours"
        assert answer.headers["x-marquee-fallback-reason"] == "recommender_unavailable"
    body = client.get(f"/v1/users/{world.MANY}/recommendations").json()
    assert (body["strategy"], body["fallback_reason"]) == ("neighbours", "recommender_unavailable")
    ready = client.get("/healthz/ready")
    assert ready.status_code == 200
    assert "recommender" in ready.json()["degraded"]
    assert client.get("/v1/info").json()["models"] is None
    assert client.get("/healthz/live").status_code == 200


@EVERY_WAY
def test_without_the_embedder_films_are_stored_and_found_by_title(serve, make_core, stores, recommender, service):
    client = serve(make_core(stores, recommender, HttpEmbedder(service)))
    body = {"new": {"title": "Zebra Crossing Blues (2022)", "genres": "Drama"}}
    assert timed(lambda: client.post("/update_movie", json=body)).json() == {"updated": ["new"], "vectors": "pending"}
    for mode in ("semantic", "hybrid"):
        found = timed(lambda mode=mode: client.get("/v1/movies", params={"q": "zebra crossing", "mode": mode})).json()
        assert (found["mode"], found["fallback_reason"]) == ("title", "embedding_unavailable")
        assert found["items"][0]["id"] == "new"
    similar = client.get("/v1/movies/new/similar").json()
    assert similar["fallback_reason"] == "no_vectors"
    assert similar["items"]
    for user in (world.MANY, world.FEW, world.NOBODY):
        assert len(ids(client.get("/recommendations", params={"user_id": user}))) == 10
    assert "embedding" in client.get("/healthz/ready").json()["degraded"]


@pytest.mark.slow
def test_the_recommender_comes_back(serve, make_core, stores, recommender):
    """Stopped and started on the same port, it is used again within seconds, by itself."""
    settings = RecommenderSettings(_env_file=None)
    port = closed_port()
    with ServiceClient("recommender", f"http://127.0.0.1:{port}", timeout_s=0.8) as http:
        client = serve(make_core(stores, HttpRecommender(http)))

        def strategy():
            return client.get("/recommendations", params={"user_id": world.MANY}).headers["x-marquee-strategy"]

        assert {strategy() for _ in range(10)} == {"neighbours"}
        with live(_without_close(recommender_app(recommender, settings)), port=port):
            until = time.monotonic() + 5
            while strategy() != "model":
                assert time.monotonic() < until
                time.sleep(0.1)
        assert strategy() == "neighbours"


def test_a_model_that_fails_while_it_explains_costs_the_reasons_not_the_films(
    serve, make_core, stores, recommender, monkeypatch
):
    def rank(query):
        if query.explain:
            raise ModelUnavailable("it cannot be used")
        return whole(query)

    whole = recommender.rank
    monkeypatch.setattr(recommender, "rank", rank)
    answer = serve(make_core(stores, recommender)).get(f"/v1/users/{world.MANY}/recommendations?explain=true")
    assert (answer.status_code, answer.json()["strategy"]) == (200, "model")
    assert len(answer.json()["items"]) == 10
    assert not any(item["because"] for item in answer.json()["items"])


def _without_close(app):
    """The app without its lifespan, which would close the engine that other tests use."""

    async def served(scope, receive, send):
        if scope["type"] == "http":
            await app(scope, receive, send)

    return served


def test_a_model_of_another_space_leaves_vectors_pending_and_says_so(serve, make_core, stores, recommender):
    from tests.support.hash_embedder import HashEmbedder

    client = serve(make_core(stores, recommender, HashEmbedder("other@2")))
    body = {"new": {"title": "Zebra Crossing Blues (2022)"}}
    assert client.post("/update_movie", json=body).json()["vectors"] == "pending"
    found = client.get("/v1/movies", params={"q": "zebra", "mode": "semantic"}).json()
    assert (found["mode"], found["fallback_reason"]) == ("title", "vectors_of_another_model")
    assert "other@2" in client.get("/healthz/ready").json()["degraded"]["embedding"]


CALLS = [
    ("GET", "/recommendations?user_id=18", None),
    ("GET", "/features?user_id=18", None),
    ("POST", "/update_ratings", {"18": {"movie_id": ["1"], "ratings": [4]}}),
    ("POST", "/update_movie", {"1": {"title": "x"}}),
    ("GET", "/v1/users/18/recommendations", None),
    ("POST", "/v1/recommendations", {"sequence": ["1"]}),
    ("GET", "/v1/movies?q=x", None),
    ("GET", "/v1/movies/1", None),
    ("GET", "/v1/users/18/ratings", None),
    ("PUT", "/v1/users/18/ratings/1", {"rating": 3}),
    ("DELETE", "/v1/users/18", None),
]


@pytest.mark.parametrize("kind", ["refuses", pytest.param("is silent", marks=pytest.mark.slow)])
def test_without_the_store_calls_are_503_within_the_deadline(serve, make_core, recommender, embedder, kind):
    with ExitStack() as stack:
        port = closed_port() if kind == "refuses" else stack.enter_context(silent_port())
        stores = open_stores(f"http://127.0.0.1:{port}", StoreSettings(_env_file=None))
        stack.callback(stores.close)
        client = serve(make_core(stores, recommender, embedder))
        for method, path, body in CALLS:
            answer = timed(lambda call=(method, path, body): client.request(call[0], call[1], json=call[2]))
            assert problem(answer, 503)["type"].endswith("store-unavailable"), path
            assert int(answer.headers["retry-after"]) >= 1
        ready = timed(lambda: client.get("/healthz/ready"))
        assert ready.status_code == 503
        assert "store" in ready.json()["degraded"] or "check" in ready.json()["degraded"]
        assert client.get("/healthz/live").status_code == 200
        assert timed(lambda: client.get("/v1/info")).json()["counts"]["movies"] is None


def test_a_store_that_cannot_be_written_is_503_and_still_reads(serve, make_core, stores, recommender, tmp_path):
    client = serve(make_core(stores, recommender))
    other = sqlite3.connect(tmp_path / "world.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # another process in the middle of a long write
    answer = timed(lambda: client.put(f"/v1/users/{world.MANY}/ratings/1", json={"rating": 3}))
    assert "retry-after" in answer.headers
    problem(answer, 503)
    assert len(ids(client.get("/recommendations", params={"user_id": world.MANY}))) == 10
    other.execute("ROLLBACK")
    other.close()
    assert client.put(f"/v1/users/{world.MANY}/ratings/1", json={"rating": 3}).status_code == 200
