"""Where a data set is looked for, in order; downloads come from a real server on this machine."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from indexer.datasets import DatasetError, DatasetSettings, find_dataset, open_dataset
from indexer.datasets.find import DEMO
from indexer.datasets.known import KNOWN, Archive
from tests.support import movielens
from tests.support.movielens import FORMATS

NAME = "ml-latest-small"


class Server(ThreadingHTTPServer):
    """Answers from `pages`: path -> (status, headers, body)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.server.asked.append(self.path)
        status, headers, body = self.server.pages.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in ({"content-length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def settings(tmp_path: Path) -> DatasetSettings:
    return DatasetSettings(home=tmp_path / "home", datasets=tmp_path / "own")


@pytest.fixture
def archive(tmp_path: Path) -> bytes:
    return movielens.write_zip(tmp_path / "made" / "x.zip", FORMATS[NAME], inside=NAME).read_bytes()


def offer(server: Server, archive: bytes, monkeypatch: pytest.MonkeyPatch, sha256: str | None) -> None:
    server.pages["/ml.zip"] = (200, {}, archive)
    monkeypatch.setitem(KNOWN, NAME, Archive(f"{server.url}/ml.zip", sha256))


def test_a_folder_that_is_named_is_taken(tmp_path: Path, settings: DatasetSettings) -> None:
    folder = movielens.write(tmp_path / "anywhere", FORMATS[NAME])
    found = find_dataset(folder, settings)
    assert (found.path, found.origin, found.note) == (folder, "given", "")


def test_the_own_collection_comes_before_the_cache(settings: DatasetSettings) -> None:
    assert settings.datasets is not None
    cached = movielens.write_zip(settings.cache / f"{NAME}.zip", FORMATS[NAME])
    assert (find_dataset(NAME, settings).path, find_dataset(NAME, settings).origin) == (cached, "cache")
    packed = movielens.write_zip(settings.datasets / f"{NAME}.zip", FORMATS[NAME])
    assert (find_dataset(NAME, settings).path, find_dataset(NAME, settings).origin) == (packed, "datasets")
    folder = movielens.write(settings.datasets / NAME, FORMATS[NAME])
    assert find_dataset(NAME, settings).path == folder


def test_a_download_is_verified_and_kept(
    server: Server, archive: bytes, settings: DatasetSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(server, archive, monkeypatch, hashlib.sha256(archive).hexdigest())
    found = find_dataset(NAME, settings)
    assert (found.path, found.origin) == (settings.cache / f"{NAME}.zip", "download")
    assert len(list(open_dataset(found.path).ratings())) == 10
    assert find_dataset(NAME, settings).origin == "cache"
    assert server.asked == ["/ml.zip"]
    assert [path.name for path in settings.cache.iterdir()] == [f"{NAME}.zip"]


@pytest.mark.parametrize("form", ["{md5}  ml.zip\n", "MD5 (ml.zip) = {md5}\n"])
def test_where_no_checksum_is_known_the_published_one_counts(
    form: str, server: Server, archive: bytes, settings: DatasetSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(server, archive, monkeypatch, None)
    server.pages["/ml.zip.md5"] = (200, {}, form.format(md5=hashlib.md5(archive).hexdigest()).encode())
    assert find_dataset(NAME, settings).origin == "download"


def test_a_wrong_checksum_keeps_nothing_and_falls_back_to_nothing(
    server: Server, archive: bytes, settings: DatasetSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(server, archive + b"!", monkeypatch, hashlib.sha256(archive).hexdigest())
    with pytest.raises(DatasetError, match="nothing was kept"):
        find_dataset(NAME, settings)
    assert list(settings.cache.iterdir()) == []


def test_a_redirect_is_not_followed(
    server: Server, archive: bytes, settings: DatasetSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(server, archive, monkeypatch, hashlib.sha256(archive).hexdigest())
    server.pages["/other.zip"] = server.pages["/ml.zip"]
    server.pages["/ml.zip"] = (302, {"location": f"{server.url}/other.zip"}, b"")
    found = find_dataset(NAME, settings)
    assert found.origin == "demo"
    assert "answered 302" in found.note
    assert server.asked == ["/ml.zip"]


def test_an_answer_that_breaks_off_keeps_nothing(
    server: Server, archive: bytes, settings: DatasetSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(server, archive, monkeypatch, hashlib.sha256(archive).hexdigest())
    server.pages["/ml.zip"] = (200, {"content-length": str(2 * len(archive))}, archive)
    assert find_dataset(NAME, settings).origin == "demo"
    assert list(settings.cache.iterdir()) == []


def test_an_answer_larger_than_any_archive_is_cut_off(
    server: Server, archive: bytes, settings: DatasetSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(server, archive, monkeypatch, hashlib.sha256(archive).hexdigest())
    monkeypatch.setattr("indexer.datasets.download._LARGEST", len(archive) - 1)
    with pytest.raises(DatasetError, match="sends more than"):
        find_dataset(NAME, settings)
    assert list(settings.cache.iterdir()) == []


def test_without_a_network_the_demo_world_comes_and_says_so(
    settings: DatasetSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KNOWN, NAME, Archive("http://127.0.0.1:9/ml.zip", "0" * 64))  # nobody listens there
    found = find_dataset(NAME, settings)
    assert (found.path, found.origin) == (DEMO, "demo")
    assert f"{NAME} could not be downloaded" in found.note
    assert "invented demo catalogue" in found.note
    with pytest.raises(DatasetError, match=r"could not be downloaded .* put http://127\.0\.0\.1:9/ml\.zip into"):
        find_dataset(NAME, settings, or_demo=False)


def test_offline_asks_nobody(server: Server, archive: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(server, archive, monkeypatch, hashlib.sha256(archive).hexdigest())
    found = find_dataset(NAME, DatasetSettings(home=tmp_path, datasets=None, offline=True))
    assert (found.origin, server.asked) == ("demo", [])
    assert "MARQUEE_OFFLINE" in found.note


@pytest.mark.parametrize("name", ["ml-2m", "../ml-1m", "some/where"])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str, settings: DatasetSettings) -> None:
    with pytest.raises(DatasetError, match="ml-latest-small, ml-100k, ml-1m"):
        find_dataset(name, settings)


def test_demo_is_a_name(settings: DatasetSettings) -> None:
    assert find_dataset("demo", settings).path == DEMO


def test_every_known_archive_is_at_grouplens_over_https() -> None:
    assert set(KNOWN) == {"ml-latest", *FORMATS}
    for archive in KNOWN.values():
        assert archive.url.startswith("https://files.grouplens.org/")
        assert archive.sha256 is None or len(bytes.fromhex(archive.sha256)) == 32
