"""Packages with rankers, on the path for one test: the example, installed for real, and small ones written by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recommender_api.models import plugins
from tests.cli.conftest import home, marquee, prepared_home, ready_home

__all__ = ["home", "marquee", "prepared_home", "ready_home"]  # the command line in a home of its own

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_ranker"


@pytest.fixture(scope="session")
def example_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, built and installed by the tools that everybody has, without a network."""
    folder = tmp_path_factory.mktemp("example")
    uv = Path(sys.executable).parent / "uv"
    how = ("--no-deps", "--no-build-isolation", "--offline", "--quiet", "--no-cache")
    command = [str(uv), "pip", "install", "--python", sys.executable, "--target", str(folder), *how, str(EXAMPLE)]
    subprocess.run(command, check=True)
    return folder


@pytest.fixture
def looked_up_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is installed is read once a process: not so here."""
    before = set(sys.modules)
    plugins.installed.cache_clear()
    yield
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent.name.startswith(("example", "package-")):
            del sys.modules[name]
    plugins.installed.cache_clear()


@pytest.fixture
def my_ranker(example_folder: Path, looked_up_anew: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(example_folder))
    return example_folder


Package = Callable[..., None]


@pytest.fixture
def package(tmp_path: Path, looked_up_anew: None, monkeypatch: pytest.MonkeyPatch) -> Package:
    """`package("some-name", "ranker_name", "module:Class", code)`: an installed package."""

    def install(name: str, ranker: str, target: str, code: str = "") -> None:
        folder = tmp_path / f"package-{name}"
        info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{plugins.GROUP}]\n{ranker} = {target}\n")
        (folder / f"{target.partition(':')[0]}.py").write_text(code)
        monkeypatch.syspath_prepend(str(folder))

    return install
