"""A home with the demo world loaded, embedded and trained once; each test works in its own folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from marquee.__main__ import run
from tests.support import processes


@dataclass(frozen=True)
class Done:
    """What a command did: exit code and words."""

    code: int
    out: str
    err: str


Marquee = Callable[..., Done]


@pytest.fixture(scope="session")
def prepared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `marquee setup` leaves behind for the demo world. Not to be written to."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        enter(patch, home, home)
        assert run(["setup", "--dataset", "demo"], debug=True) == 0
    return home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, in force for this test."""
    folder = tmp_path / "home"
    enter(monkeypatch, folder, tmp_path)
    return folder


@pytest.fixture
def ready_home(prepared_home: Path, home: Path) -> Path:
    """A copy of the prepared home, in force for this test."""
    shutil.copytree(prepared_home, home)
    return home


def enter(patch: pytest.MonkeyPatch, home: Path, folder: Path) -> None:
    env = processes.environment(home)
    for name in [name for name in os.environ if name.startswith("MARQUEE_")]:
        patch.delenv(name)
    for name, value in env.items():
        if name.startswith("MARQUEE_"):
            patch.setenv(name, value)
    patch.chdir(folder)  # no .env of the developer's


@pytest.fixture
def marquee(capsys: pytest.CaptureFixture[str]) -> Marquee:
    """Run a command in this process: `marquee("load", "demo")`."""

    def command(*arguments: str) -> Done:
        capsys.readouterr()
        code = run(list(arguments), debug=False)
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return command
