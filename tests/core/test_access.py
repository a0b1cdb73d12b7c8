"""Who may call what: every route against every kind of key. A route that is missing here fails the test."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import APIRoute

from core_api.app import create_app
from service_kit.keys import digest
from tests.support.client import TestClient

ROLES = ["nobody", "read", "write", "admin"]
KEYS = ",".join(f"{role}:{digest(f'{role}-key')}" for role in ROLES[1:])
OPEN = {"/", "/docs", "/docs/start.js", "/healthz/live", "/healthz/ready", "/openapi.json"}
NEEDS = {
    ("GET", "/recommendations"): "read",
    ("GET", "/features"): "read",
    ("POST", "/update_ratings"): "write",
    ("POST", "/update_movie"): "write",
    ("GET", "/v1/users/{id}/recommendations"): "read",
    ("POST", "/v1/recommendations"): "read",
    ("GET", "/v1/movies"): "read",
    ("GET", "/v1/movies/{id}"): "read",
    ("GET", "/v1/movies/{id}/similar"): "read",
    ("GET", "/v1/movies/{id}/recommendations"): "read",
    ("PUT", "/v1/movies/{id}"): "write",
    ("DELETE", "/v1/movies/{id}"): "write",
    ("GET", "/v1/users/{id}/ratings"): "read",
    ("PUT", "/v1/users/{id}/ratings/{movie}"): "write",
    ("DELETE", "/v1/users/{id}/ratings/{movie}"): "write",
    ("DELETE", "/v1/users/{id}"): "write",
    ("GET", "/v1/genres"): "read",
    ("GET", "/v1/years"): "read",
    ("POST", "/v1/users/{id}/imports"): "write",
    ("GET", "/v1/users/{id}/export"): "read",
    ("GET", "/v1/info"): "read",
    ("GET", "/metrics"): "read",
}


@pytest.fixture
def app(make_core, stores, recommender, embedder):
    return create_app(make_core(stores, recommender, embedder, api_keys=KEYS))


def test_the_table_names_every_route(app):
    paths = app.openapi()["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    hidden = {(method, route.path) for route in app.routes if isinstance(route, APIRoute) for method in route.methods}
    assert {call for call in described | hidden if call[1] not in OPEN} == set(NEEDS)


@pytest.mark.parametrize("role", ROLES)
def test_each_key_may_do_what_its_role_allows(app, role):
    headers = {} if role == "nobody" else {"Authorization": f"Bearer {role}-key"}
    with TestClient(app) as client:
        for (method, path), needed in NEEDS.items():
            answer = client.request(method, re.sub(r"{\w+}", "nothing", path), headers=headers)
            if role == "nobody":
                assert answer.status_code == 401, path
            elif ROLES.index(role) < ROLES.index(needed):
                assert answer.status_code == 403, path
            else:
                assert answer.status_code in (200, 204, 404, 422), path
        for path in OPEN:
            assert client.get(path, headers=headers).status_code == 200, path


def test_a_refused_write_writes_nothing(app, stores):
    before = stores.users.count(), stores.movies.count()
    with TestClient(app) as client:
        for key in ("", "Bearer read-key", "Bearer wrong"):
            headers = {"Authorization": key}
            client.post("/update_ratings", json={"77": {"movie_id": "1", "rating": 4}}, headers=headers)
            client.post("/update_movie", json={"77": {"title": "No"}}, headers=headers)
            client.delete("/v1/movies/1", headers=headers)
    assert (stores.users.count(), stores.movies.count()) == before


@pytest.mark.parametrize("path", ["/update_ratings", "/update_movie", "/v1/recommendations"])
def test_who_has_no_key_learns_nothing_of_the_body(app, path):
    with TestClient(app) as client:
        answer = client.post(path, content=b"{not json", headers={"Content-Type": "application/json"})
    assert answer.status_code == 401
