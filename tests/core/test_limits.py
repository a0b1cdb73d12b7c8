"""Every limit at n, and at n + 1, where a sentence says what is too much."""

from __future__ import annotations

import time

import pytest

from tests.support.public_contract import problem

N = 5


@pytest.fixture
def limited(serve, make_core, stores, recommender, embedder):
    return serve(
        make_core(
            stores,
            recommender,
            embedder,
            max_k=N,
            max_batch=N,
            max_batch_movies=N,
            max_sequence=N,
            max_group=N,
            max_query_chars=N,
            max_page=N,
            max_body_bytes=4000,
        )
    )


def some(count):
    return [str(number) for number in range(1, count + 1)]


def ratings(count):
    return {"json": {"u": {"movie_id": some(count), "ratings": [3] * count}}}


def films(count):
    return {"json": {film: {"title": f"Film {film}"} for film in some(count)}}


def body_of(count):
    """4,000 bytes when count is N."""
    text = '{"u": {"movie_id": "1", "rating": 4}}'
    return {"content": text + " " * (4000 - N + count - len(text)), "headers": {"Content-Type": "application/json"}}


LIMITS = {
    "k": ("GET", "/recommendations", lambda n: {"params": {"user_id": "1", "k": n}}),
    "k in v1": ("GET", "/v1/users/1/recommendations", lambda n: {"params": {"k": n}}),
    "k of a sequence": ("POST", "/v1/recommendations", lambda n: {"json": {"sequence": ["1"], "k": n}}),
    "k of a search": ("GET", "/v1/movies", lambda n: {"params": {"q": "x", "k": n}}),
    "k of similar films": ("GET", "/v1/movies/1/similar", lambda n: {"params": {"k": n}}),
    "ratings in one body": ("POST", "/update_ratings", ratings),
    "films in one body": ("POST", "/update_movie", films),
    "sequence": ("POST", "/v1/recommendations", lambda n: {"json": {"sequence": some(n), "k": 1}}),
    "avoid": ("POST", "/v1/recommendations", lambda n: {"json": {"sequence": ["9"], "avoid": some(n), "k": 1}}),
    "exclude": ("GET", "/v1/users/1/recommendations", lambda n: {"params": {"exclude": ",".join(some(n)), "k": 1}}),
    "users": ("POST", "/v1/recommendations", lambda n: {"json": {"users": some(n), "k": 1}}),
    "characters in q": ("GET", "/v1/movies", lambda n: {"params": {"q": "x" * n, "k": 1}}),
    "limit": ("GET", "/v1/users/1/ratings", lambda n: {"params": {"limit": n}}),
    "body": ("POST", "/update_ratings", body_of),
}


@pytest.mark.parametrize("what", LIMITS)
def test_n_passes_and_one_more_is_told(limited, what):
    method, path, asked = LIMITS[what]
    assert limited.request(method, path, **asked(N)).status_code == 200
    begun = time.monotonic()
    answer = limited.request(method, path, **asked(N + 1))
    assert time.monotonic() - begun < 0.5
    if what == "body":
        problem(answer, 413)
    else:
        detail = problem(answer, 422)["detail"]
        assert what.split()[0] in detail
        assert str(N) in detail


def test_a_limit_keeps_all_of_a_body_out(limited, stores):
    limited.post("/update_ratings", **ratings(N + 1))
    assert len(stores.users.history("u")) == 0


@pytest.mark.parametrize(
    ("path", "name"),
    [("/features?user_id={}", "user_id"), ("/v1/users/{}/ratings?limit=1", "id"), ("/v1/movies/{}", "id")],
)
def test_ids_have_a_longest_length(limited, path, name):
    assert limited.get(path.format("x" * 128)).status_code in (200, 404)
    assert name in problem(limited.get(path.format("x" * 129)), 422)["detail"]


def test_the_default_limits_answer_quickly(client):
    """The largest request that the defaults allow, on the small world."""
    body = {"u": {"movie_id": [str(number) for number in range(10_000)], "ratings": [3.5] * 10_000}}
    assert client.post("/update_ratings", json=body).status_code == 200
    assert client.get("/recommendations", params={"user_id": "u", "k": 1000}).status_code == 200
