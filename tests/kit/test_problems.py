"""Every error has one shape, names the thing, and tells nothing that only we should know."""

from __future__ import annotations

import pytest

from tests.support.client import TestClient


@pytest.fixture
def client(make_service):
    with TestClient(make_service(max_body_bytes=100), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("call", "status", "slug"),
    [
        (("GET", "/films/none"), 404, "not-found"),
        (("GET", "/nowhere"), 404, "not-found"),
        (("DELETE", "/films/1"), 405, "method-not-allowed"),
        (("POST", "/sum", {"numbers": ["x"]}), 422, "invalid-request"),
        (("POST", "/sum", {"numbers": [1] * 60}), 413, "body-too-large"),
        (("GET", "/films/store"), 503, "store-unavailable"),
        (("GET", "/films/bug"), 500, "internal-error"),
    ],
)
def test_every_error_is_a_problem_document_with_the_request_id(client, call, status, slug):
    method, path, *body = call
    answer = client.request(method, path, json=body[0] if body else None, headers={"X-Request-ID": "abc-1"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == "abc-1"
    document = answer.json()
    assert document["type"] == f"urn:marquee:problem:{slug}"
    assert document["request_id"] == "abc-1"
    assert document["instance"] == path
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]


def test_an_unexpected_error_says_nothing_of_its_cause(client):
    assert "secret" not in client.get("/films/bug").text


def test_a_wrong_body_is_told_where_it_is_wrong(client):
    detail = client.post("/sum", json={"numbers": [1, "x"]}).json()["detail"]
    assert detail.startswith("numbers[1]: ")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_must_be_finite(client, number):
    answer = client.post("/sum", content=f'{{"numbers":[{number}]}}', headers={"content-type": "application/json"})
    assert answer.status_code == 422


def test_a_store_that_is_away_says_when_to_come_back(client):
    assert int(client.get("/films/store").headers["retry-after"]) >= 1


def test_a_body_at_the_limit_passes_and_one_byte_more_does_not(client):
    content = b'{"numbers":[1]}'
    fits = client.post("/sum", content=content.ljust(100), headers={"content-type": "application/json"})
    too_large = client.post("/sum", content=content.ljust(101), headers={"content-type": "application/json"})
    assert (fits.status_code, too_large.status_code) == (200, 413)


def test_a_streamed_body_without_a_length_is_limited_too(client):
    answer = client.post("/sum", content=(b" " * 50 for _ in range(10)), headers={"content-type": "application/json"})
    assert answer.status_code == 413


@pytest.mark.parametrize("given", ["x" * 129, "a b", "<script>", "\t"])
def test_a_request_id_that_does_not_belong_into_a_log_is_replaced(client, given):
    answer = client.get("/films/1", headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] != given
    assert len(answer.headers["x-request-id"]) == 32


def test_every_answer_carries_the_security_headers(client):
    for path in ("/films/1", "/films/none", "/docs", "/healthz/live"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_the_openapi_document_tells_the_shape_of_errors(client):
    document = client.get("/openapi.json").json()
    responses = document["paths"]["/sum"]["post"]["responses"]
    for status in ("422", "default"):
        schema = responses[status]["content"]["application/problem+json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Problem"}
    assert "request_id" in document["components"]["schemas"]["Problem"]["properties"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
