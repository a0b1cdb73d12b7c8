"""Live is not ready, and neither waits for requests that hang."""

from __future__ import annotations

import threading
import time

import httpx
import pytest

from service_kit.health import Readiness
from tests.support.client import TestClient
from tests.support.live import live


def test_ready_tells_what_is_degraded_and_is_503_only_when_not_ready(make_service):
    states = {"fine": Readiness(), "worse": Readiness(degraded={"embedding": "down"}), "off": Readiness(ready=False)}
    seen = {}
    for name, state in states.items():
        with TestClient(make_service(lambda state=state: state)) as client:
            answer = client.get("/healthz/ready")
            seen[name] = (answer.status_code, answer.json()["status"], "retry-after" in answer.headers)
            assert client.get("/healthz/live").status_code == 200
    assert seen == {
        "fine": (200, "ready", False),
        "worse": (200, "degraded", False),
        "off": (503, "not ready", True),
    }


def test_a_check_that_hangs_counts_as_not_ready(make_service):
    released = threading.Event()

    def hangs() -> Readiness:
        released.wait(10)
        return Readiness()

    with TestClient(make_service(hangs)) as client:
        started = time.monotonic()
        answer = client.get("/healthz/ready")
        released.set()
    assert answer.status_code == 503
    assert time.monotonic() - started < 4


@pytest.mark.slow
def test_eighty_hanging_requests_do_not_delay_health(make_service):
    with live(make_service(max_connections=1000)) as url, httpx.Client(base_url=url) as client:
        hanging = [threading.Thread(target=lambda: httpx.get(f"{url}/hang?seconds=3", timeout=30)) for _ in range(80)]
        for thread in hanging:
            thread.start()
        time.sleep(0.7)
        started = time.monotonic()
        assert client.get("/healthz/live").status_code == 200
        assert client.get("/healthz/ready").status_code == 200
        took = time.monotonic() - started
        for thread in hanging:
            thread.join()
    assert took < 2


def test_the_schema_says_that_metrics_are_text(make_service):
    with TestClient(make_service()) as client:
        said = client.get("/openapi.json").json()["paths"]["/metrics"]["get"]["responses"]["200"]["content"]
        assert client.get("/metrics").headers["content-type"].split(";")[0] in said


def test_metrics_name_routes_by_template(make_service):
    with TestClient(make_service()) as client:
        client.get("/films/12345")
        client.get("/no/such/path")
        text = client.get("/metrics").text
    assert 'route="/films/{film}"' in text
    assert "12345" not in text
    assert "no/such" not in text


def test_info_says_what_runs(make_service):
    with TestClient(make_service()) as client:
        answer = client.get("/v1/info").json()
    assert answer["service"] == "tried"
    assert answer["films"] == 3
    assert answer["version"]


def test_the_docs_load_nothing_from_elsewhere(make_service):
    with TestClient(make_service()) as client:
        page = client.get("/docs").text
        assert "//" not in page
        assert "<script>" not in page
        for asset in (
            "docs/assets/swagger-ui.css",
            "docs/assets/swagger-ui-bundle.js",
            "docs/start.js",
            "openapi.json",
        ):
            assert client.get(f"/{asset}").status_code == 200
