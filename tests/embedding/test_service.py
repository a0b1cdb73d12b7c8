"""The HTTP face of the embedding service: OpenAI's shape, `/generate`, limits, readiness."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from embedding_generator.app import create_app
from embedding_generator.engine import EmbeddingEngine
from embedding_generator.lazy import LazyEmbedder
from embedding_generator.settings import EmbeddingSettings
from service_kit.errors import ModelUnavailable
from tests.support.client import TestClient
from tests.support.hash_encoder import HashEncoder

Make = Callable[..., Any]


@pytest.fixture
def make_client(make_engine: Make, make_settings: Make) -> Iterator[Callable[..., TestClient]]:
    clients: list[TestClient] = []

    def make(encoder: HashEncoder | None = None, **values: Any) -> TestClient:
        clients.append(TestClient(create_app(make_engine(encoder, **values), make_settings(**values))))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    return make_client()


def test_one_text_gets_one_embedding_in_the_shape_that_openai_clients_read(client: TestClient) -> None:
    answer = client.post("/v1/embeddings", json={"input": "Heat (1995)", "model": "hash"}).json()
    assert answer["object"] == "list"
    assert answer["model"] == "hash@1"
    assert answer["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    assert answer["truncated"] == []
    [entry] = answer["data"]
    assert (entry["object"], entry["index"], len(entry["embedding"])) == ("embedding", 0, 16)


def test_base64_and_numbers_are_the_same_vectors(client: TestClient) -> None:
    body = {"input": ["Heat", "Up"]}
    numbers = client.post("/v1/embeddings", json=body).json()
    packed = client.post("/v1/embeddings", json={**body, "encoding_format": "base64"}).json()
    for number, pack in zip(numbers["data"], packed["data"], strict=True):
        vector = np.frombuffer(base64.b64decode(pack["embedding"]), "<f4")
        np.testing.assert_allclose(np.float32(number["embedding"]), vector, atol=1e-9)


def test_the_places_of_cut_texts_are_named(client: TestClient) -> None:
    answer = client.post("/v1/embeddings", json={"input": ["Up", "a b c d e f g h i", "Heat"]}).json()
    assert answer["truncated"] == [1]
    assert answer["usage"]["prompt_tokens"] == 1 + 8 + 1


def test_generate_answers_text_to_vector(client: TestClient) -> None:
    answer = client.post("/generate", json=["Heat", "Up", "Heat"]).json()
    assert list(answer) == ["Heat", "Up"]
    assert np.linalg.norm(answer["Up"]) == pytest.approx(1.0)


def test_no_text_is_no_embedding(client: TestClient) -> None:
    assert client.post("/v1/embeddings", json={"input": []}).json()["data"] == []
    assert client.post("/generate", json=[]).json() == {}


@pytest.mark.parametrize("name", ["hash", "hash@1", None])
def test_the_loaded_model_goes_by_its_names(client: TestClient, name: str | None) -> None:
    assert client.post("/v1/embeddings", json={"input": "Up", "model": name}).status_code == 200


def test_the_short_name_of_a_library_model_is_understood(make_client: Callable[..., TestClient]) -> None:
    encoder = HashEncoder()
    encoder.model = "sentence-transformers/bert-base-nli-mean-tokens@abc"
    client = make_client(encoder)
    for name in ("bert-base-nli-mean-tokens", "sentence-transformers/bert-base-nli-mean-tokens"):
        assert client.post("/v1/embeddings", json={"input": "Up", "model": name}).status_code == 200


def test_another_model_is_a_404_that_names_both(client: TestClient) -> None:
    answer = client.post("/v1/embeddings", json={"input": "Up", "model": "text-embedding-3-small"})
    assert answer.status_code == 404
    assert answer.json()["detail"] == "the model text-embedding-3-small is not loaded here; hash@1 is"


def test_another_dimension_than_the_models_own_is_refused(client: TestClient) -> None:
    assert client.post("/v1/embeddings", json={"input": "Up", "dimensions": 16}).status_code == 200
    answer = client.post("/v1/embeddings", json={"input": "Up", "dimensions": 8})
    assert (answer.status_code, answer.json()["detail"]) == (422, "hash@1 has 16 dimensions, not 8")


def test_as_many_texts_as_the_limit_and_no_more(make_client: Callable[..., TestClient]) -> None:
    client = make_client(embedding_max_texts=3)
    for path, wrap in (("/v1/embeddings", lambda texts: {"input": texts}), ("/generate", lambda texts: texts)):
        assert client.post(path, json=wrap(["a", "b", "c"])).status_code == 200
        answer = client.post(path, json=wrap(["a", "b", "c", "d"]))
        assert answer.status_code == 422
        assert "4 texts are more than the 3" in answer.json()["detail"]


def test_texts_as_long_as_the_limit_and_no_longer(make_client: Callable[..., TestClient]) -> None:
    client = make_client(embedding_max_characters=10)
    for path, wrap in (("/v1/embeddings", lambda texts: {"input": texts}), ("/generate", lambda texts: texts)):
        assert client.post(path, json=wrap(["Up", "x" * 10])).status_code == 200
        answer = client.post(path, json=wrap(["Up", "x" * 11]))
        assert answer.status_code == 422
        assert "text 1 has 11 characters, more than 10" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"input": None},
        {"input": 3},
        {"input": [1, 2]},
        {"input": {"text": "Up"}},
        {"input": "Up", "encoding_format": "hex"},
        {"input": "Up", "unknown": 1},
        {"input": ["\ud800"]},
    ],
)
def test_a_body_of_another_shape_is_a_problem_that_names_the_field(client: TestClient, body: dict[str, Any]) -> None:
    import json

    answer = client.post("/v1/embeddings", content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"]


def test_a_model_that_fails_on_a_text_is_a_503_with_a_time_to_come_back(client: TestClient) -> None:
    answer = client.post("/v1/embeddings", json={"input": ["Up", "poison"]})
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "hash@1 failed on a text of 6 characters" in answer.json()["detail"]


def test_a_full_queue_is_a_503_with_a_time_to_come_back(make_client: Callable[..., TestClient]) -> None:
    client = make_client(embedding_queue=2)
    answer = client.post("/v1/embeddings", json={"input": ["a", "b", "c"]})
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "queue is full" in answer.json()["detail"]


def test_the_priority_header_sends_texts_behind_interactive_ones(make_client: Callable[..., TestClient]) -> None:
    encoder = HashEncoder()
    client = make_client(encoder)
    for _ in range(2):  # bulk texts do not fill the cache: both calls reach the encoder
        client.post("/v1/embeddings", json={"input": "Up"}, headers={"X-Marquee-Priority": "bulk"})
    assert encoder.batches == [["Up"], ["Up"]]


def test_info_names_the_model_and_its_limits(client: TestClient) -> None:
    info = client.get("/v1/info").json()
    assert {key: info[key] for key in ("model", "dimension", "max_tokens", "max_texts", "max_characters")} == {
        "model": "hash@1",
        "dimension": 16,
        "max_tokens": 8,
        "max_texts": 256,
        "max_characters": 20_000,
    }


def test_the_service_is_ready_only_after_a_pass_through_the_model(make_settings: Make) -> None:
    go = threading.Event()
    encoder = HashEncoder()

    def load() -> EmbeddingEngine:
        assert go.wait(5)
        return EmbeddingEngine(encoder, make_settings())

    embedder = LazyEmbedder(load)
    with TestClient(create_app(embedder, make_settings())) as client:
        early = client.get("/healthz/ready")
        assert early.status_code == 503
        assert early.json()["degraded"] == {"model": "it is still loading"}
        assert client.get("/healthz/live").status_code == 200
        assert client.get("/v1/info").json()["model"] is None
        refused = client.post("/v1/embeddings", json={"input": "Up"})
        assert refused.status_code == 503
        assert refused.json()["detail"] == "the embedding model is not available: it is still loading"
        go.set()
        assert embedder.wait(5)
        assert encoder.batches == [["warm-up"]]
        assert client.post("/v1/embeddings", json={"input": "Up"}).status_code == 200
    with TestClient(create_app(embedder, make_settings())) as client:
        assert client.get("/healthz/ready").json()["degraded"] == {"model": "it is shutting down"}


def test_a_model_that_cannot_be_loaded_is_told_to_every_caller(make_settings: Make) -> None:
    def load() -> EmbeddingEngine:
        raise ModelUnavailable("there is no embedding model with safetensors weights in the folder /none")

    embedder = LazyEmbedder(load)
    assert not embedder.wait(5)
    assert embedder.failed
    with TestClient(create_app(embedder, make_settings())) as client:
        ready = client.get("/healthz/ready")
        assert ready.status_code == 503
        assert "could not be loaded: there is no embedding model" in ready.json()["degraded"]["model"]
        assert "in the folder /none" in client.post("/generate", json=["Up"]).json()["detail"]


def test_an_unexpected_failure_while_loading_is_not_loading_for_ever() -> None:
    def load() -> EmbeddingEngine:
        raise ZeroDivisionError("a bug")

    embedder = LazyEmbedder(load)
    assert not embedder.wait(5)
    with pytest.raises(ModelUnavailable, match="ZeroDivisionError: a bug"):
        embedder.embed(["Up"])


def test_a_model_that_is_closed_while_it_loads_is_closed(make_settings: Make) -> None:
    go = threading.Event()
    engine = EmbeddingEngine(HashEncoder(), make_settings())

    def load() -> EmbeddingEngine:
        assert go.wait(5)
        return engine

    embedder = LazyEmbedder(load)
    embedder.close()
    go.set()
    embedder.wait(5)
    assert engine.problem() == "it is shutting down"


def test_keys_are_asked_for_once_they_are_set(make_engine: Make, make_settings: Make) -> None:
    import hashlib

    settings: EmbeddingSettings = make_settings(
        api_keys=f"read:{hashlib.sha256(b'caller').hexdigest()}", service_key="core"
    )
    with TestClient(create_app(make_engine(), settings)) as client:
        for path, body in (("/v1/embeddings", {"input": "Up"}), ("/generate", ["Up"])):
            assert client.post(path, json=body).status_code == 401
            for key in ("caller", "core"):
                assert client.post(path, json=body, headers={"Authorization": f"Bearer {key}"}).status_code == 200
