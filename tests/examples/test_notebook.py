"""The notebook runs from its first cell to its last, on the store that its reader has."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "examples" / "create_index_and_call_api.ipynb"


def run(home: Path, monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    """Everything that the cells print; a cell that raises fails the test."""
    for name in [name for name in os.environ if name.startswith("MARQUEE_")]:
        monkeypatch.delenv(name)
    given = {"MARQUEE_HOME": str(home), "MARQUEE_DATASET": "demo", "MARQUEE_EMBEDDING_MODEL": "lsa", **environment}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOK.parents[1]))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=240, kernel_name="python3").execute(cwd=str(home))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output.get("text", "") for output in outputs)


def shows_everything(printed: str) -> bool:
    return all(
        words in printed
        for words in ("40 films, 205 ratings, 12 users", "strategy: ", "'vectors': 'ready'", "900001", "exit code 0")
    )


@pytest.mark.e2e
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_it_runs_on_the_embedded_store(tmp_path, monkeypatch):
    printed = run(tmp_path, monkeypatch, MARQUEE_STORE=f"sqlite:///{tmp_path}/marquee.db")
    assert shows_everything(printed), printed


@pytest.mark.e2e
@pytest.mark.elasticsearch
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_it_runs_on_elasticsearch(tmp_path, monkeypatch, elasticsearch_url):
    printed = run(
        tmp_path, monkeypatch, MARQUEE_STORE=elasticsearch_url, MARQUEE_ELASTICSEARCH_PREFIX=f"nb{os.getpid()}_"
    )
    assert shows_everything(printed), printed
