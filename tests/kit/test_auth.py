"""Keys, roles, addresses, rates."""

from __future__ import annotations

import logging

import pytest
from pydantic import ValidationError

from service_kit.keys import digest
from service_kit.serve import CannotServe, check
from service_kit.settings import ServiceSettings
from tests.support.client import TestClient

KEYS = ",".join(f"{role}:{digest(f'{role}-key')}" for role in ("read", "write", "admin"))
CALLS = {
    "read": ("GET", "/films/1", None),
    "write": ("POST", "/sum", {"numbers": [1]}),
    "admin": ("POST", "/reset", None),
}
ORDER = ["read", "write", "admin"]


def call(client, needs, key=None):
    method, path, body = CALLS[needs]
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return client.request(method, path, json=body, headers=headers)


@pytest.mark.parametrize("needs", ORDER)
@pytest.mark.parametrize("has", ORDER)
def test_a_role_may_do_what_the_ones_below_it_may(make_service, needs, has):
    with TestClient(make_service(api_keys=KEYS)) as client:
        status = call(client, needs, f"{has}-key").status_code
    assert status == (200 if ORDER.index(has) >= ORDER.index(needs) else 403)


@pytest.mark.parametrize("key", [None, "wrong", digest("read-key"), "read-key "])
def test_no_key_and_a_wrong_key_are_refused(make_service, key):
    with TestClient(make_service(api_keys=KEYS)) as client:
        headers = {"Authorization": f"Bearer x{key}"} if key else {}
        answer = client.get("/films/1", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_without_keys_everybody_may(make_service):
    with TestClient(make_service()) as client:
        assert [call(client, needs).status_code for needs in ORDER] == [200, 200, 200]


def test_health_and_docs_need_no_key_but_metrics_and_info_do(make_service):
    with TestClient(make_service(api_keys=KEYS)) as client:
        statuses = {
            path: client.get(path).status_code
            for path in ("/healthz/live", "/healthz/ready", "/docs", "/metrics", "/v1/info")
        }
    assert statuses == {"/healthz/live": 200, "/healthz/ready": 200, "/docs": 200, "/metrics": 401, "/v1/info": 401}


def test_an_internal_service_takes_the_service_key_and_the_public_one_does_not(make_service):
    with TestClient(make_service(service_key="between-us", internal=True)) as client:
        assert call(client, "admin", "between-us").status_code == 200
        assert call(client, "read").status_code == 401
    with TestClient(make_service(service_key="between-us", api_keys=KEYS)) as client:
        assert call(client, "read", "between-us").status_code == 401


def test_a_key_is_never_logged(make_service, caplog):
    with caplog.at_level(logging.DEBUG), TestClient(make_service(api_keys=KEYS, access_log=True)) as client:
        call(client, "read", "read-key")
        call(client, "read", "wrong-key")
    assert "read-key" not in caplog.text
    assert "wrong-key" not in caplog.text


@pytest.mark.parametrize("wrong", ["read", "reader:" + "0" * 64, "read:xyz", "read:" + "0" * 63])
def test_keys_that_are_no_digests_are_refused_without_repeating_them(wrong):
    with pytest.raises(ValidationError, match="API key 1 is not role:sha256"):
        ServiceSettings(_env_file=None, api_keys=wrong)


def test_an_open_address_needs_keys_or_an_explicit_word():
    with pytest.raises(CannotServe, match="no API key"):
        check(ServiceSettings(_env_file=None, host="0.0.0.0"), 0)
    check(ServiceSettings(_env_file=None, host="0.0.0.0", insecure=True), 0)
    check(ServiceSettings(_env_file=None, host="0.0.0.0", api_keys=KEYS), 0)
    check(ServiceSettings(_env_file=None, host="127.0.0.1"), 0)


def test_a_taken_port_is_named(unused_tcp_port_socket):
    port = unused_tcp_port_socket.getsockname()[1]
    with pytest.raises(CannotServe, match=f"port {port} on 127.0.0.1 cannot be used"):
        check(ServiceSettings(_env_file=None), port)


@pytest.fixture
def unused_tcp_port_socket():
    from service_kit.serve import listen

    with listen("127.0.0.1", 0) as sock:
        yield sock


def test_the_rate_limit_lets_n_pass_and_refuses_the_next(make_service):
    with TestClient(make_service(rate_limit_per_minute=3)) as client:
        answers = [client.get("/films/1") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].headers["retry-after"]
        assert client.get("/healthz/live").status_code == 200


def test_the_rate_is_counted_per_key(make_service):
    with TestClient(make_service(rate_limit_per_minute=1, api_keys=KEYS)) as client:
        assert [call(client, "read", "read-key").status_code for _ in range(2)] == [200, 429]
        assert call(client, "read", "admin-key").status_code == 200
