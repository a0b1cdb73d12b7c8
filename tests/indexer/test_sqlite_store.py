"""The SQLite store keeps the contract; what only a file can promise is below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indexer import open_stores
from indexer.ports import Stores
from indexer.settings import StoreSettings
from tests.support.store_contract import StoreContract


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "marquee.db"


@pytest.fixture
def reopen(path: Path) -> Iterator[Callable[..., Stores]]:
    opened: list[Stores] = []

    def again(**settings: object) -> Stores:
        opened.append(open_stores(f"sqlite:///{path}", StoreSettings.model_validate(settings)))
        return opened[-1]

    yield again
    for stores in opened:
        stores.close()


@pytest.fixture
def stores(reopen: Callable[..., Stores]) -> Stores:
    return reopen()


class TestSqlite(StoreContract):
    pass
