"""Whatever is sent, the answer is never a server error, and a refused body has written nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import world

pytestmark = pytest.mark.slow  # as a whole: the fast tests are to end within a minute

QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["1", "3", "\ud800", "\x00", "id\n", "", "x" * 129, "4.5", "A|B"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["movie_id", "ratings", "rating", "timestamp", "timestamps", "title", "genres", "tags", "year", "mood"]
ENTRIES = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4) | VALUES
BODIES = st.dictionaries(
    st.sampled_from(["u", "1", "", "\ud800", "x" * 200]) | st.text(max_size=5), ENTRIES, max_size=3
)
ASKED = st.dictionaries(
    st.sampled_from(
        ["sequence", "users", "avoid", "exclude", "k", "model", "genres", "year_from", "diversity", "mood"]
    ),
    VALUES,
    max_size=4,
)
JSON = {"Content-Type": "application/json"}


def send(client, method, path, body):
    answer = client.request(method, path, content=json.dumps(body).encode(), headers=JSON)
    assert answer.status_code < 500, answer.text
    assert answer.status_code == 200 or answer.headers["content-type"] == "application/problem+json"
    return answer


@QUICK
@given(body=BODIES | VALUES)
@pytest.mark.parametrize("path", ["/update_ratings", "/update_movie"])
def test_bodies_of_the_stable_calls(client, stores, path, body):
    before = stores.movies.count(), stores.users.count()
    answer = send(client, "POST", path, body)
    if answer.status_code != 200:
        assert (stores.movies.count(), stores.users.count()) == before


@QUICK
@given(body=ASKED | VALUES)
def test_bodies_of_recommendations(client, body):
    send(client, "POST", "/v1/recommendations", body)


@QUICK
@given(body=st.dictionaries(st.sampled_from([*FIELDS, "imdb_id"]), VALUES, max_size=4))
@pytest.mark.parametrize("path", ["/v1/movies/fuzz", "/v1/users/fuzz/ratings/1"])
def test_bodies_of_puts(client, path, body):
    send(client, "PUT", path, body)


@QUICK
@given(content=st.binary(max_size=60))
def test_bytes_that_are_no_json(client, content):
    for path in ("/update_ratings", "/update_movie", "/v1/recommendations"):
        assert client.post(path, content=content, headers=JSON).status_code in (200, 400, 422)


@QUICK
@given(
    values=st.lists(
        st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(["NaN", "-1", "1e9", "\x00"]), max_size=9
    ),
)
def test_query_parameters(client, values):
    names = ["k", "genres", "year_from", "exclude", "diversity", "model", "user_id", "q", "cursor"]
    asked = dict(zip(names, values, strict=False))
    for path in ("/recommendations", "/features", f"/v1/users/{world.MANY}/recommendations", "/v1/movies"):
        assert client.get(path, params=asked).status_code in (200, 422)
    for name in ("q", "cursor", "user_id"):
        asked = {name: values[0]} if values else {}
        for path in ("/recommendations", "/v1/movies", f"/v1/users/{world.MANY}/ratings"):
            assert client.get(path, params=asked).status_code in (200, 422)


@pytest.mark.parametrize("half", ["\ud800", "x\udfff"])
def test_half_a_character_is_refused_wherever_it_stands(client, half):
    for path, body in (
        ("/update_movie", {half: {"title": "x"}}),
        ("/update_movie", {"1": {"title": half}}),
        ("/update_movie", {"1": {"title": "x", "tags": [half]}}),
        ("/update_movie", {"1": {"title": "x", half: 1}}),
        ("/update_ratings", {half: {"movie_id": "1", "rating": 1}}),
        ("/update_ratings", {"1": {"movie_id": half, "rating": 1}}),
        ("/v1/recommendations", {"sequence": [half]}),
        ("/v1/recommendations", {"sequence": ["1"], "model": half}),
    ):
        assert send(client, "POST", path, body).status_code == 422


def test_deep_and_huge_json_is_refused(client):
    for content in (b"[" * 100_000, b'{"u":' * 50_000, b'{"u": {"movie_id": ' + b"9" * 10_000 + b', "rating": 1}}'):
        assert client.post("/update_ratings", content=content, headers=JSON).status_code in (400, 422)
