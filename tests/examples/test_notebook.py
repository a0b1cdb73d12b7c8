"""The notebooks run from their first cell to their last, on the store that their reader has."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[2] / "examples"
CREATE, COMPARE = "create_index_and_call_api.ipynb", "compare_models.ipynb"


def run(name: str, home: Path, monkeypatch: pytest.MonkeyPatch, **environment: str) -> tuple[str, int]:
    """What the cells print, and how many pictures they show; a cell that raises fails the test."""
    for setting in [setting for setting in os.environ if setting.startswith("MARQUEE_")]:
        monkeypatch.delenv(setting)
    given = {"MARQUEE_HOME": str(home), "MARQUEE_DATASET": "demo", "MARQUEE_EMBEDDING_MODEL": "lsa", **environment}
    for setting, value in given.items():
        monkeypatch.setenv(setting, value)
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES.parent))
    notebook = nbformat.read(EXAMPLES / name, as_version=4)
    NotebookClient(notebook, timeout=240, kernel_name="python3").execute(cwd=str(home))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    pictures = sum("image/png" in output.get("data", {}) for output in outputs)
    return "".join(output.get("text", "") for output in outputs), pictures


def shows_everything(printed: str) -> bool:
    return all(
        words in printed
        for words in ("40 films, 205 ratings, 12 users", "strategy: ", "'vectors': 'ready'", "900001", "exit code 0")
    )


@pytest.mark.e2e
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_it_runs_on_the_embedded_store(tmp_path, monkeypatch):
    printed, _ = run(CREATE, tmp_path, monkeypatch, MARQUEE_STORE=f"sqlite:///{tmp_path}/marquee.db")
    assert shows_everything(printed), printed


@pytest.mark.e2e
@pytest.mark.elasticsearch
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_it_runs_on_elasticsearch(tmp_path, monkeypatch, elasticsearch_url):
    printed, _ = run(
        CREATE, tmp_path, monkeypatch, MARQUEE_STORE=elasticsearch_url, MARQUEE_ELASTICSEARCH_PREFIX=f"nb{os.getpid()}_"
    )
    assert shows_everything(printed), printed


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_models_are_compared_with_pictures(tmp_path, monkeypatch):
    printed, pictures = run(COMPARE, tmp_path, monkeypatch)
    assert "205 ratings of 12 users" in printed
    assert printed.count("transitions") == 3  # in both tables, and with its list
    assert pictures == 4
