"""What tests of several parts share: the real Elasticsearch, and what a missing service means."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.elasticsearch_distribution import Unobtainable
from tests.support.elasticsearch_server import shared_server


@pytest.hookimpl(tryfirst=True)  # before -m selects by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        used = getattr(item, "fixturenames", ())
        if "elasticsearch_url" in used:
            item.add_marker("elasticsearch")
        if "chromium" in used:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def elasticsearch_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running Elasticsearch, shared by everybody: use a prefix of your own and drop it afterwards."""
    try:
        with shared_server(run_folder(tmp_path_factory)) as url:
            yield url
    except Unobtainable as missing:
        service_missing(str(missing))


def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run of pytest share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


def service_missing(what: str) -> None:
    """Skips, or fails where REQUIRE_SERVICES=1 says that services must be there."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what} (REQUIRE_SERVICES=1)")
    pytest.skip(what)
