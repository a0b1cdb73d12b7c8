"""`open_stores` picks the store by URL and says what is wrong with one."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from indexer import open_stores
from indexer.settings import StoreSettings
from indexer.types import Movie
from service_kit.errors import InvalidRequest


@pytest.mark.parametrize(
    "url",
    ["", "marquee.db", "sqlite:marquee.db", "sqlite://marquee.db", "sqlite:///", "sqlite:///:memory:", "redis://x"],
)
def test_a_url_of_no_known_kind_is_named_with_examples(url: str) -> None:
    with pytest.raises(InvalidRequest, match=r"sqlite:///marquee\.db") as error:
        open_stores(url)
    assert repr(url) in error.value.detail


def test_three_slashes_are_a_path_below_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(open_stores("sqlite:///my store/marquee.db")) as stores:
        stores.movies.put([Movie("1", "One")])
    with closing(open_stores(f"sqlite:///{tmp_path}/my store/marquee.db")) as stores:
        assert stores.movies.count() == 1


def test_the_default_store_lies_in_the_home_of_marquee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # away from any .env
    monkeypatch.delenv("MARQUEE_STORE", raising=False)
    settings = StoreSettings.model_validate({"home": tmp_path})
    with closing(open_stores(settings.url, settings)):
        assert (tmp_path / "store" / "marquee.db").exists()
    assert StoreSettings.model_validate({"store": "http://es:9200"}).url == "http://es:9200"
