"""Help is quick, complete, and imports nothing that it does not need."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ["up", "serve", "load", "embed", "export", "train", "evaluate", "setup", "recommend", "search", "status"]
COMMANDS += ["models", "config", "import", "report"]


def test_help_names_every_command(marquee):
    done = marquee("--help")
    assert done.code == 0
    shown = {line.split()[0] for line in done.out.splitlines() if line.startswith("  ")}
    assert shown >= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does(marquee, command):
    done = marquee(command, "--help")
    assert done.code == 0
    assert done.out.startswith(f"Usage: marquee {command}")


def test_help_imports_nothing_heavy():
    code = "import sys, marquee.__main__; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"torch", "sklearn", "numpy", "fastapi", "pydantic", "httpx", "elasticsearch", "pyarrow", "rich.progress"}
    assert not heavy & set(done.stdout.split())


def test_help_takes_less_than_half_a_second_of_cpu():
    began = time.process_time(), _children()
    subprocess.run([sys.executable, "-m", "marquee", "--help"], cwd=ROOT, capture_output=True, check=True)
    assert _children() - began[1] < 0.5


def _children() -> float:
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_options_take_an_underscore_for_a_hyphen(ready_home, marquee):
    assert marquee("train", "transitions", "--row_exponent", "0.5").code == 0


def test_no_arguments_is_a_wrong_call_that_shows_help(marquee):
    done = marquee()
    assert done.code == 2
    assert "Usage: marquee" in done.err


def test_a_server_on_sqlite_with_a_counting_model_imports_no_heavy_library():
    code = """if True:
        import sys
        import marquee.up, marquee.steps, core_api.app, core_api.core, service_kit.serve
        import indexer.sqlite_store, recommender_api.engine, recommender_api.models.transitions
        print(" ".join(sys.modules))
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"torch", "sklearn", "scipy", "elasticsearch", "pyarrow", "sentence_transformers", "skops"}
    assert not heavy & set(done.stdout.split())
