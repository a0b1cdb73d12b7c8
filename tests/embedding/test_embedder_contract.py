"""What every `Embedder` does: the engine in the process, and the client of the service over a real socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from embedding_generator.app import create_app
from embedding_generator.client import Embedder
from embedding_generator.engine import EmbeddingEngine
from embedding_generator.http import HttpEmbedder
from embedding_generator.settings import EmbeddingSettings
from service_kit.errors import InvalidRequest, ModelUnavailable
from service_kit.http import ServiceClient
from tests.support.hash_encoder import HashEncoder
from tests.support.live import live

TEXTS = ["Heat (1995). Action, Crime", "Up", "Amélie · 天使爱美丽 🎬", "Toy Story (1995). Adventure, Animation"]


class EmbedderContract:
    @pytest.fixture
    def embedder(self) -> Embedder:
        raise NotImplementedError

    def test_rows_come_in_the_order_of_the_texts(self, embedder: Embedder) -> None:
        together = embedder.embed(TEXTS).vectors
        for row, text in zip(together, TEXTS, strict=True):
            np.testing.assert_allclose(row, embedder.embed([text]).vectors[0], atol=1e-6)

    def test_rows_are_float32_of_length_one(self, embedder: Embedder) -> None:
        vectors = embedder.embed(TEXTS).vectors
        assert vectors.dtype == np.float32
        assert vectors.shape == (len(TEXTS), 16)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)

    def test_different_texts_have_different_vectors(self, embedder: Embedder) -> None:
        vectors = embedder.embed(TEXTS).vectors
        assert np.linalg.matrix_rank(vectors) == len(TEXTS)

    def test_the_model_is_named_with_its_revision(self, embedder: Embedder) -> None:
        assert embedder.embed(["Heat"]).model == "hash@1"

    def test_no_texts_give_no_rows_of_the_right_width(self, embedder: Embedder) -> None:
        none = embedder.embed([])
        assert none.vectors.shape == (0, 16)
        assert none.model == "hash@1"
        assert none.truncated == ()

    def test_a_text_given_twice_has_two_equal_rows(self, embedder: Embedder) -> None:
        rows = embedder.embed(["Up", "Heat", "Up"]).vectors
        np.testing.assert_array_equal(rows[0], rows[2])

    def test_a_longer_text_than_the_model_reads_is_said_to_be_cut(self, embedder: Embedder) -> None:
        read, cut = "a b c d e f g h", "a b c d e f g h i"
        answer = embedder.embed([read, cut, "Up"])
        assert answer.truncated == (False, True, False)
        assert answer.tokens == 8 + 8 + 1

    def test_bulk_and_interactive_calls_give_the_same_vectors(self, embedder: Embedder) -> None:
        np.testing.assert_allclose(embedder.embed(TEXTS, bulk=True).vectors, embedder.embed(TEXTS).vectors, atol=1e-6)

    def test_hundreds_of_texts_go_in_one_call(self, embedder: Embedder) -> None:
        texts = [f"film {n} " + "x" * (n % 7) for n in range(700)]
        vectors = embedder.embed(texts, bulk=True).vectors
        np.testing.assert_allclose(vectors[[0, 350, 699]], embedder.embed([texts[n] for n in (0, 350, 699)]).vectors)

    def test_a_text_that_breaks_the_model_fails_its_own_call_only(self, embedder: Embedder) -> None:
        with pytest.raises(ModelUnavailable, match="hash@1 failed on a text of 6 characters"):
            embedder.embed(["Up", "poison"])
        assert embedder.embed(["Up"]).vectors.shape == (1, 16)

    def test_a_text_without_a_direction_is_refused_not_stored_as_zeros(self, embedder: Embedder) -> None:
        with pytest.raises(InvalidRequest, match="no direction for the text 'void'"):
            embedder.embed(["Up", "void"])


class VoidEncoder(HashEncoder):
    def _vector(self, text: str) -> np.ndarray:
        return np.zeros(self.dimension) if text == "void" else super()._vector(text)


class TestEngine(EmbedderContract):
    @pytest.fixture
    def embedder(self, make_engine: Callable[..., EmbeddingEngine]) -> Embedder:
        return make_engine(VoidEncoder())


class TestHttp(EmbedderContract):
    @pytest.fixture
    def embedder(
        self, make_engine: Callable[..., EmbeddingEngine], make_settings: Callable[..., EmbeddingSettings]
    ) -> Iterator[Embedder]:
        app = create_app(make_engine(VoidEncoder()), make_settings())
        with live(app) as url:
            client = ServiceClient("embedding", url, timeout_s=5)
            yield HttpEmbedder(client)
            client.close()
