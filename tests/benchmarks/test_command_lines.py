"""Every benchmark says what it is before it measures, and in one sentence why it cannot."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
MODULES = sorted(
    {f"benchmarks.{path.stem}" for path in FOLDER.glob("*.py")} - {"benchmarks.__main__", "benchmarks.command"}
)
ALONE = ["benchmarks", "benchmarks.peers"]
ON_EXPORTS = [
    "benchmarks.attributes",
    "benchmarks.kmf_online",
    "benchmarks.likeness",
    "benchmarks.rankers",
    "benchmarks.ratings",
]
ON_STORES = ["benchmarks.from_film", "benchmarks.http", "benchmarks.reasons", "benchmarks.search"]
pytestmark = pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")  # an import of another test's


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("MARQUEE_HOME", str(tmp_path / "home"))

    def call(module: str, *arguments: str) -> int | str | None:
        monkeypatch.setattr(sys, "argv", [module, *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        return ended.value.code

    return call


@pytest.mark.parametrize("module", [*ALONE, *MODULES])
def test_help_names_the_command_and_measures_nothing(called, capsys: pytest.CaptureFixture[str], module: str) -> None:
    assert called(module, "--help") == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: python -m {module} ")
    first = next(line for line in shown.splitlines()[1:] if line and not line.startswith(" "))
    assert first.endswith((".", "?", ","))  # the docstring's first line


@pytest.mark.parametrize("module", ["benchmarks.peers", *ON_EXPORTS])
def test_what_is_missing_is_named(called, capsys: pytest.CaptureFixture[str], module: str) -> None:
    assert called(module) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"python -m {module}: error: the following arguments are required: ")


@pytest.mark.parametrize("module", ["benchmarks.peers", *ON_EXPORTS])
def test_a_folder_that_is_no_data_is_one_sentence(called, tmp_path: Path, module: str) -> None:
    said = called(module, str(tmp_path))
    assert isinstance(said, str)
    assert str(tmp_path) in said
    assert "\n" not in said


@pytest.mark.parametrize("module", ON_STORES)
def test_an_empty_home_is_one_sentence(called, module: str) -> None:
    assert called(module) == "There are no ratings in this MARQUEE_HOME; run `marquee setup` in it first."


@pytest.mark.parametrize(
    "line", [["benchmarks", "--only", "speed"], ["benchmarks.peers", "x", "--only", "speed"],
             ["benchmarks.rankers", "x", "--models", "speed"]]
)  # fmt: skip
def test_a_name_that_there_is_not_is_told_with_those_that_there_are(
    called, capsys: pytest.CaptureFixture[str], line: list[str]
) -> None:
    assert called(*line) == 2
    assert "error: there is no 'speed'; there are " in capsys.readouterr().err
