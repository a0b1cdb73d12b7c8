"""Latent semantic analysis: the same folder each time, rows of length 1 for any text, damage noticed."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from embedding_generator.encoders import load_encoder
from embedding_generator.engine import EmbeddingEngine
from embedding_generator.lsa import LsaEncoder, fit_lsa
from indexer.text import movie_text
from service_kit.errors import InvalidRequest, ModelUnavailable
from tests.support.world import movies

TEXTS = [movie_text(movie) for movie in movies()]


@pytest.fixture(scope="module")
def lsa(tmp_path_factory: pytest.TempPathFactory) -> LsaEncoder:
    return fit_lsa(TEXTS, tmp_path_factory.mktemp("models") / "lsa", dimension=16)


def test_every_text_of_the_catalogue_has_a_row_of_length_one(lsa: LsaEncoder) -> None:
    vectors = lsa.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), 16)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_all_words_of_a_text_are_read(lsa: LsaEncoder, make_engine: Callable[..., EmbeddingEngine]) -> None:
    answer = make_engine(lsa).embed(["film " * 5000, "Heat (1995)"])
    assert answer.truncated == (False, False)
    assert answer.tokens == 5000 + 2


def test_films_of_the_same_genres_are_nearer_than_films_that_share_none(lsa: LsaEncoder) -> None:
    vectors = lsa.encode(TEXTS)
    near = vectors @ vectors.T  # (N, N)
    genres = [set(movie.genres) for movie in movies()]
    pairs = list(combinations(range(len(TEXTS)), 2))
    alike = [near[a, b] for a, b in pairs if genres[a] == genres[b]]
    unlike = [near[a, b] for a, b in pairs if not genres[a] & genres[b]]
    assert np.mean(alike) > np.mean(unlike) + 0.2


def test_a_text_finds_itself(lsa: LsaEncoder) -> None:
    vectors = lsa.encode(TEXTS)
    assert (np.argmax(vectors @ vectors.T, axis=1) == np.arange(len(TEXTS))).mean() > 0.9


@pytest.mark.parametrize("text", ["", "   ", "!!!", "天使爱美丽", "qwxyz", "\x00"])
def test_a_text_without_a_known_word_lies_at_the_centre_and_is_not_zero(lsa: LsaEncoder, text: str) -> None:
    rows = lsa.encode([text, TEXTS[0]])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    centre = lsa.encode(TEXTS).mean(axis=0)
    assert rows[0] @ centre / np.linalg.norm(centre) > 0.999


def test_all_files_of_a_model_may_be_read_by_the_same_users(lsa: LsaEncoder, tmp_path: Path) -> None:
    fit_lsa(TEXTS, tmp_path / "lsa", dimension=16)
    assert len({path.stat().st_mode for path in (tmp_path / "lsa").iterdir()}) == 1


def test_the_same_texts_give_the_same_model(lsa: LsaEncoder, tmp_path: Path) -> None:
    again = fit_lsa(TEXTS, tmp_path / "lsa", dimension=16)
    assert again.model == lsa.model
    np.testing.assert_array_equal(again.encode(TEXTS), lsa.encode(TEXTS))


def test_other_texts_give_another_model_in_the_same_place(tmp_path: Path) -> None:
    first = fit_lsa(TEXTS, tmp_path / "lsa", dimension=16)
    second = fit_lsa(TEXTS[:20], tmp_path / "lsa", dimension=16)
    assert first.model != second.model
    assert load_encoder("lsa", None, tmp_path).model == second.model
    assert [path.name for path in tmp_path.iterdir()] == ["lsa"]


def test_a_fitted_folder_is_loaded_by_its_path_too(tmp_path: Path) -> None:
    fitted = fit_lsa(TEXTS, tmp_path / "mine", dimension=8)
    loaded = load_encoder(str(tmp_path / "mine"), None, tmp_path / "elsewhere")
    assert (loaded.model, loaded.dimension, loaded.max_tokens) == (fitted.model, 8, None)


@pytest.mark.parametrize("texts", [["Heat (1995)"], ["Up", "Up"] * 3 + ["Heat"], ["a b", "a b"]])
def test_a_small_catalogue_gets_as_many_dimensions_as_it_spans(tmp_path: Path, texts: list[str]) -> None:
    fitted = fit_lsa(texts, tmp_path / "lsa", dimension=128)
    assert 1 <= fitted.dimension <= len(set(texts))
    np.testing.assert_allclose(np.linalg.norm(fitted.encode(texts), axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("texts", [[], ["", "..."], ["Up"]])
def test_texts_without_words_cannot_be_fitted(tmp_path: Path, texts: list[str]) -> None:
    with pytest.raises(InvalidRequest, match="at least two words"):
        fit_lsa(texts, tmp_path / "lsa")
    assert not (tmp_path / "lsa").exists()


def test_a_model_that_was_never_fitted_says_how_to(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="marquee embed --model lsa"):
        load_encoder("lsa", None, tmp_path)


@pytest.mark.parametrize("damage", ["weights", "vocabulary", "missing", "disagreeing"])
def test_a_damaged_folder_is_refused_with_the_remedy(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "lsa"
    fit_lsa(TEXTS, folder, dimension=8)
    if damage == "weights":
        content = bytearray((folder / "weights.safetensors").read_bytes())
        content[-1] ^= 1
        (folder / "weights.safetensors").write_bytes(content)
    elif damage == "vocabulary":
        (folder / "vocabulary.json").write_text('["one", "two"]')
    elif damage == "missing":
        (folder / "weights.safetensors").unlink()
    else:
        import hashlib

        (folder / "vocabulary.json").write_text('["one", "two"]')
        config = json.loads((folder / "config.json").read_text())
        config["sha256"]["vocabulary.json"] = hashlib.sha256(b'["one", "two"]').hexdigest()
        (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelUnavailable, match=r"is damaged .*fit it again with `marquee embed --model lsa`"):
        load_encoder("lsa", None, tmp_path)
