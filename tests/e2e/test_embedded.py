"""The embedded default as its user starts it: one process, SQLite, MovieLens."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support import processes
from tests.support.public_contract import PublicContract

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def url(prepare, tmp_path_factory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("embedded")
    port = processes.free_port()
    with processes.marquee("up", "--port", str(port), env=prepare(home), cwd=home) as up:
        base = f"http://127.0.0.1:{port}"
        up.wait_for(lambda: httpx.get(f"{base}/healthz/ready").json()["status"] == "ready" if up.out else False, base)
        yield base
        assert up.stop() == 0, up.said()


class TestPublicContract(PublicContract):
    @pytest.fixture
    def client(self, url):
        with httpx.Client(base_url=url, timeout=10) as client:
            yield client


def test_a_user_of_the_data_set_gets_real_titles_from_the_model(url):
    answer = httpx.get(f"{url}/recommendations", params={"user_id": "18", "returnMetadata": "true"})
    items = answer.json()["items"]
    assert answer.headers["x-marquee-strategy"] == "model"
    assert len(items) == 10
    assert all(item["title"] for item in items)
    assert sum(item["title"].endswith(")") for item in items) > 5  # with their years, as the data set has them
