"""The real thing: the packaged all-MiniLM-L6-v2 behind the engine and the service, and what never may be loaded."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedding_generator.app import create_app
from embedding_generator.encoders import Encoder, load_encoder
from embedding_generator.http import HttpEmbedder
from embedding_generator.lazy import open_embedder
from embedding_generator.sentence_models import MINILM, locate
from service_kit.errors import ModelUnavailable
from service_kit.http import ServiceClient
from tests.support.live import live

pytestmark = pytest.mark.slow

Make = Callable[..., Any]
TEXTS = [
    "Toy Story (1995). Adventure, Animation, Children, Comedy, Fantasy. pixar, fun",
    "A Bug's Life (1998). Adventure, Animation, Children, Comedy. pixar",
    "Heat (1995). Action, Crime, Thriller",
    "Amélie (2001)",
    "",
    "film " * 400,
]


def test_vectors_are_those_of_the_library(minilm: Encoder, make_engine: Make) -> None:
    from sentence_transformers import SentenceTransformer

    folder = locate("all-MiniLM-L6-v2", None, Path("nowhere")).folder
    library = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    expected = library.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    np.testing.assert_allclose(make_engine(minilm).embed(TEXTS).vectors, expected, atol=1e-5)


def test_the_model_tells_its_name_its_size_and_what_it_reads(minilm: Encoder) -> None:
    name, _, revision = minilm.model.partition("@")
    assert name == MINILM
    assert revision.startswith("sha256-")
    assert (minilm.dimension, minilm.max_tokens) == (384, 256)


def test_a_text_is_cut_at_the_models_last_token_and_not_before(minilm: Encoder, make_engine: Make) -> None:
    fits, cut = " ".join(["film"] * 254), " ".join(["film"] * 255)  # and two special tokens
    answer = make_engine(minilm).embed([fits, cut, cut + " film"])
    assert answer.truncated == (False, True, True)
    assert answer.tokens == 3 * 256
    np.testing.assert_allclose(answer.vectors[1], answer.vectors[0], atol=1e-5)  # the 255th word is not read


def test_meaning_is_nearer_than_words(minilm: Encoder, make_engine: Make) -> None:
    vectors = make_engine(minilm).embed([*TEXTS[:3], "animated film about toys"]).vectors
    assert int(np.argmax(vectors[:3] @ vectors[3])) == 0


def test_the_service_answers_what_the_engine_answers(minilm: Encoder, make_engine: Make, make_settings: Make) -> None:
    with live(create_app(make_engine(minilm), make_settings())) as url:
        client = ServiceClient("embedding", url, timeout_s=20)
        over_http = HttpEmbedder(client, "all-MiniLM-L6-v2").embed(TEXTS, bulk=True)
        client.close()
    inside = make_engine(minilm).embed(TEXTS)
    np.testing.assert_allclose(over_http.vectors, inside.vectors, atol=1e-5)
    assert (over_http.model, over_http.truncated, over_http.tokens) == (inside.model, inside.truncated, inside.tokens)


def test_the_embedder_of_the_settings_loads_in_the_background(make_settings: Make, tmp_path: Path) -> None:
    embedder = open_embedder(make_settings(home=tmp_path, embedding_model="all-MiniLM-L6-v2", device="cpu"))
    assert embedder.wait(120)
    assert embedder.embed(["Heat"]).vectors.shape == (1, 384)
    embedder.close()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the packaged model, to be damaged."""
    folder = tmp_path / "copy"
    shutil.copytree(locate("all-MiniLM-L6-v2", None, tmp_path).folder, folder)
    return folder


class Canary:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_pickled_weights_are_never_opened(copy: Path, tmp_path: Path) -> None:
    canary = tmp_path / "ran"
    (copy / "model.safetensors").rename(copy / "1_Pooling" / "model.safetensors")  # somewhere, but not where it belongs
    (copy / "pytorch_model.bin").write_bytes(pickle.dumps(Canary(canary)))
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        load_encoder(str(copy), None, tmp_path, device="cpu")
    assert not canary.exists()


@pytest.mark.parametrize("named_in", ["modules.json", "config.json"])
def test_code_that_comes_with_a_model_is_never_run(copy: Path, tmp_path: Path, named_in: str) -> None:
    canary = tmp_path / "ran"
    (copy / "custom.py").write_text(f"import pathlib; pathlib.Path({str(canary)!r}).touch()\nclass Custom: pass\n")
    described = json.loads((copy / named_in).read_text())
    if named_in == "modules.json":
        described[0]["type"] = "custom.Custom"
    else:
        described.update(model_type="custom", auto_map={"AutoConfig": "custom.Custom", "AutoModel": "custom.Custom"})
    (copy / named_in).write_text(json.dumps(described))
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        load_encoder(str(copy), None, tmp_path, device="cpu")
    assert not canary.exists()


def test_damaged_weights_are_one_sentence(copy: Path, tmp_path: Path) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100_000])
    with pytest.raises(ModelUnavailable, match=r"the embedding model in .*copy could not be loaded: "):
        load_encoder(str(copy), None, tmp_path, device="cpu")
