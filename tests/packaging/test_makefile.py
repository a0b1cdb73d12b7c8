"""`make` on machines that are not as they should be: one sentence each, and nothing half done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ["sh", "make", "sed", "expand", "env", "touch", "dirname", "cat", "tr", "od", "grep", "rm", "mkdir"]


def script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder for PATH with the tools of a plain system, and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        where = shutil.which(tool)
        if where:
            (folder / tool).symlink_to(where)
    return folder


def find_python(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(ROOT / "requirements" / "find-python")]
    return subprocess.run(command, env={"PATH": str(path), **environment}, capture_output=True, text=True, check=False)


def test_a_shim_that_exists_but_fails_is_passed_over(bare: Path) -> None:
    script(bare / "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    script(bare / "python3.12", "exit 1")
    (bare / "python3.11").symlink_to(sys.executable)
    found = find_python(bare)
    assert found.returncode == 0
    assert Path(found.stdout.strip()).exists()
    assert found.stderr == ""


def test_an_old_python_is_named_in_one_sentence(bare: Path) -> None:
    script(bare / "python3", 'case "$2" in *print*) echo 3.9.2;; *) exit 1;; esac')
    found = find_python(bare)
    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr.count("\n") == 1
    assert "python3 is 3.9.2" in found.stderr
    assert "needs Python 3.11 or newer" in found.stderr


def test_no_python_at_all_is_one_sentence(bare: Path) -> None:
    found = find_python(bare)
    assert (found.returncode, found.stderr.count("\n")) == (1, 1)
    assert "none was found" in found.stderr


def test_a_python_can_be_named(bare: Path) -> None:
    assert find_python(bare, PYTHON=sys.executable).returncode == 0


def test_make_says_the_sentence_and_makes_no_environment(bare: Path, tmp_path: Path) -> None:
    script(bare / "python3.13", "exit 127")
    command = ["make", "run", f"VENV={tmp_path / 'venv'}"]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": str(bare)}, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_python_without_the_venv_module_is_one_sentence(tmp_path: Path) -> None:
    installer = str(ROOT / "requirements" / "install.py")
    hidden = f"""if True:
        import importlib.util, runpy, sys
        real = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *rest: None if name == "ensurepip" else real(name, *rest)
        sys.argv = ["install.py", "run", "--venv", sys.argv[1]]
        runpy.run_path({installer!r}, run_name="__main__")
    """
    command = [sys.executable, "-c", hidden, str(tmp_path / "venv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "has no ensurepip module" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_size_of_the_download_is_printed_first(tmp_path: Path) -> None:
    environment = {**os.environ, "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_NO_INDEX": "1", "PIP_RETRIES": "0"}
    environment.pop("PIP_FIND_LINKS", None)
    environment["PIP_CONFIG_FILE"] = os.devnull
    command = [sys.executable, str(ROOT / "requirements" / "install.py"), "run", "--venv", str(tmp_path / "venv")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1  # there is no index at that address
    assert " MB" in done.stderr.splitlines()[0]
    assert "could not be fetched" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("word", ["run", "test", "test-fast", "check", "bench", "format", "up", "init_model", "lock"])
def test_make_knows_the_word(word: str) -> None:
    done = subprocess.run(["make", "-n", word], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_makefile_uses_nothing_that_make_3_81_lacks() -> None:
    text = (ROOT / "Makefile").read_text()
    for newer in (".ONESHELL", "!=", "$(file", "::=", ".RECIPEPREFIX", "private ", "undefine"):
        assert newer not in text, newer


def test_a_password_is_added_to_an_env_file_on_a_line_of_its_own(tmp_path: Path) -> None:
    script(tmp_path / "docker", "exit 0")
    (tmp_path / ".env").write_text("MARQUEE_PORT=1112")  # no newline at its end
    command = ["make", "-f", str(ROOT / "Makefile"), "up"]
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for _ in range(2):
        subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    first, second = (tmp_path / ".env").read_text().splitlines()
    assert first == "MARQUEE_PORT=1112"
    assert second.startswith("ELASTIC_PASSWORD=")
    assert len(second) > 40
