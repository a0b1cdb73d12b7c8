"""`marquee models pull`: a version travels as an archive, and nothing that is not one gets in."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from tests.support.live import live

pytestmark = pytest.mark.slow  # as a whole: the fast tests are to end within a minute


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that is served over HTTP."""
    folder = tmp_path / "shelf"
    folder.mkdir()

    def serve(request) -> Response:
        path = folder / request.path_params["name"]
        return FileResponse(path) if path.is_file() else Response(status_code=404)

    with live(Starlette(routes=[Route("/{name}", serve)])) as url:
        yield folder, url


def packed(home: Path, target: Path, prefix: str = "") -> Path:
    """The home's transitions version as an archive."""
    [version] = (home / "models" / "transitions").iterdir()
    with zipfile.ZipFile(target, "w") as archive:
        for file in version.iterdir():
            archive.write(file, f"{prefix}{version.name}/{file.name}")
    return version


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("prefix", ["", "transitions/"])
def test_a_version_travels_and_can_be_activated(ready_home, marquee, shelf, prefix):
    folder, url = shelf
    version = packed(ready_home, folder / "m.zip", prefix)
    shutil.rmtree(ready_home / "models" / "transitions")
    done = marquee("models", "pull", f"{url}/m.zip", "--sha256", sha256(folder / "m.zip"))
    assert done.code == 0, done.err
    assert done.out.startswith(f"transitions {version.name}: ")
    assert marquee("models", "activate", "transitions", version.name).code == 0
    answer = json.loads(marquee("recommend", "--user", "18", "--json").out)
    assert answer["strategy"] == "model"
    assert marquee("models", "pull", f"{url}/m.zip", "--sha256", sha256(folder / "m.zip")).code == 0  # again: nothing


def test_another_checksum_keeps_nothing(ready_home, marquee, shelf):
    folder, url = shelf
    packed(ready_home, folder / "m.zip")
    shutil.rmtree(ready_home / "models" / "transitions")
    done = marquee("models", "pull", f"{url}/m.zip", "--sha256", "0" * 64)
    assert done.code == 1
    assert sha256(folder / "m.zip") in done.err.splitlines()[-1]
    assert not (ready_home / "models" / "transitions").exists()


def test_a_changed_file_is_refused_and_does_not_stay(ready_home, marquee, shelf):
    folder, url = shelf
    [version] = (ready_home / "models" / "transitions").iterdir()
    metrics = (version / "metrics.json").read_text()
    (version / "metrics.json").write_text(metrics.replace("0", "9", 1))
    packed(ready_home, folder / "m.zip")
    shutil.rmtree(ready_home / "models" / "transitions")
    done = marquee("models", "pull", f"{url}/m.zip", "--sha256", sha256(folder / "m.zip"))
    assert done.code == 1
    assert "metrics.json" in done.err.splitlines()[-1]
    assert not list((ready_home / "models" / "transitions").iterdir())


@pytest.mark.parametrize(
    "names",
    [["../../evil.txt"], ["/etc/evil"], ["v/a.json", "w/b.json"], ["loose.json"], ["v/.hidden"], ["v/readme.txt"], []],
    ids=str,
)
def test_an_archive_that_is_no_version_is_refused(home, marquee, shelf, names):
    folder, url = shelf
    with zipfile.ZipFile(folder / "m.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    done = marquee("models", "pull", f"{url}/m.zip", "--sha256", sha256(folder / "m.zip"))
    assert done.code == 1
    assert "the archive" in done.err.splitlines()[-1]
    assert [path for path in (home / "models").rglob("*") if path.is_file()] == []


def test_a_link_in_the_archive_is_refused(home, marquee, shelf):
    folder, url = shelf
    link = zipfile.ZipInfo("v/manifest.json")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(folder / "m.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    done = marquee("models", "pull", f"{url}/m.zip", "--sha256", sha256(folder / "m.zip"))
    assert (done.code, "no plain file" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("address", "told"),
    [("{url}/missing.zip", "404"), ("http://127.0.0.1:9/m.zip", "cannot be fetched"), ("nonsense", "nonsense")],
)
def test_what_cannot_be_fetched_is_one_sentence(home, marquee, shelf, address, told):
    done = marquee("models", "pull", address.format(url=shelf[1]), "--sha256", "0" * 64)
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert told in done.err


def test_what_is_no_archive_is_refused(home, marquee, shelf):
    folder, url = shelf
    (folder / "m.zip").write_text("hello")
    done = marquee("models", "pull", f"{url}/m.zip", "--sha256", sha256(folder / "m.zip"))
    assert (done.code, "no zip archive" in done.err) == (1, True)
    assert marquee("models", "pull", f"{url}/m.zip", "--sha256", "abc").code == 1
