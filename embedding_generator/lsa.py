"""Latent semantic analysis: TF-IDF and a truncated SVD, fitted on the catalogue. The model that needs no download.

Deerwester et al. 1990, "Indexing by Latent Semantic Analysis". A model is a folder:

    config.json            format, sizes, sha256 of the other two
    vocabulary.json        column -> word
    weights.safetensors    idf (V,), components (D, V), centre (D,)

Weaker than a sentence encoder: it knows only words of the catalogue. `marquee embed --model lsa` fits it.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from service_kit.errors import InvalidRequest, ModelUnavailable

NAME = "lsa"
_FORMAT = "marquee-lsa-1"
_WORDS: dict[str, Any] = {"strip_accents": "unicode", "token_pattern": r"(?u)\b\w+\b", "sublinear_tf": True}
_MOST_WORDS = 50_000
_FAINT = 1e-6  # below this length a direction is rounding noise

_log = structlog.get_logger("marquee.embedding")


def fit_lsa(texts: Sequence[str], folder: Path, dimension: int = 64) -> LsaEncoder:
    """Fit on the texts and write the model folder, replacing one that is there. Same texts, same model.

    The dimension is less than asked for when the texts do not span as many. Raises InvalidRequest when there is
    no word in them.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(**_WORDS, max_features=_MOST_WORDS, dtype=np.float32)
    try:
        weighted = vectorizer.fit_transform(texts)  # (N, V) sparse
        few = weighted.shape[1] < 2
    except ValueError:  # what scikit-learn raises for an empty vocabulary
        few = True
    if few:
        raise InvalidRequest(f"`{NAME}` needs texts with at least two words between them: load movies first")
    svd = TruncatedSVD(min(dimension, *weighted.shape), random_state=0)
    with np.errstate(invalid="ignore", divide="ignore"):  # it also computes shares of a variance that may be 0
        rows = svd.fit_transform(weighted)  # (N, D)
    spanned = svd.singular_values_ > _FAINT * max(float(svd.singular_values_[0]), _FAINT)
    components = svd.components_[spanned]  # (D, V)
    lengths = np.linalg.norm(rows[:, spanned], axis=1, keepdims=True)
    centre = (rows[:, spanned] / np.maximum(lengths, _FAINT)).mean(axis=0)  # (D,)
    weights = {"idf": vectorizer.idf_, "components": components, "centre": centre}
    _write(folder, list(vectorizer.get_feature_names_out()), weights, len(texts))
    return LsaEncoder.load(folder)


def is_lsa(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / "config.json").read_text("utf-8")).get("format") == _FORMAT)
    except (OSError, ValueError, AttributeError):
        return False


class LsaEncoder:
    """Reads all words of a text, so nothing is ever cut.

    A text without a known word has no direction of its own: it is put at the centre of the catalogue, and the log
    says how many were.
    """

    max_tokens = None

    def __init__(
        self, model: str, words: list[str], idf: np.ndarray, components: np.ndarray, centre: np.ndarray
    ) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.model = model
        self.dimension = len(components)
        self._components = components
        self._centre = centre
        self._vectorizer = TfidfVectorizer(**_WORDS, vocabulary=words, dtype=np.float32)
        self._vectorizer.idf_ = idf
        self._split = self._vectorizer.build_analyzer()

    def lengths(self, texts: Sequence[str]) -> list[int]:
        return [len(self._split(text)) for text in texts]

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.asarray(self._vectorizer.transform(texts) @ self._components.T, np.float32)  # (N, D)
        lengths = np.linalg.norm(rows, axis=1)
        unknown = lengths < _FAINT
        if unknown.any():
            _log.warning("texts without a known word", texts=int(unknown.sum()), of=len(texts), model=self.model)
        rows[unknown] = self._centre
        lengths[unknown] = np.linalg.norm(self._centre)
        return rows / lengths[:, None]  # type: ignore[no-any-return]

    @classmethod
    def load(cls, folder: Path) -> LsaEncoder:
        """Raises ModelUnavailable when the folder is missing, damaged, or its parts disagree in size."""
        if not is_lsa(folder):
            raise ModelUnavailable(
                f"there is no `{NAME}` model in {folder}: fit it with `marquee embed --model {NAME}`"
            )
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        described = (folder / "config.json").read_bytes()
        try:
            for name, sha256 in json.loads(described)["sha256"].items():
                if _sha256(folder / Path(name).name) != sha256:
                    raise ValueError(f"{name} is not the file that was written")
            words = json.loads((folder / "vocabulary.json").read_text("utf-8"))
            weights = load_file(folder / "weights.safetensors")
            idf, components, centre = weights["idf"], weights["components"], weights["centre"]
            if not (components.shape == (len(centre), len(words)) and idf.shape == (len(words),) and len(centre)):
                raise ValueError(f"{len(words)} words, {idf.shape} idf, {components.shape} components disagree")
        except (OSError, ValueError, KeyError, AttributeError, SafetensorError) as error:
            raise ModelUnavailable(
                f"the model in {folder} is damaged ({error}): fit it again with `marquee embed --model {NAME}`"
            ) from error
        model = f"{NAME}@sha256-{hashlib.sha256(described).hexdigest()[:12]}"
        return cls(model, words, idf, components, centre)


def _write(folder: Path, words: list[str], weights: dict[str, np.ndarray], texts: int) -> None:
    """Into a temporary sibling first: a reader finds the old model, the new one, or none, but never half of one."""
    from safetensors.numpy import save

    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    temporary.mkdir()
    try:
        tensors = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}
        (temporary / "weights.safetensors").write_bytes(save(tensors))  # `save_file` lets only its owner read it
        (temporary / "vocabulary.json").write_text(json.dumps(words), "utf-8")
        files = {name: _sha256(temporary / name) for name in ("vocabulary.json", "weights.safetensors")}
        config = {"format": _FORMAT, "dimension": len(weights["centre"]), "texts": texts, "sha256": files}
        (temporary / "config.json").write_text(json.dumps(config, indent=1) + "\n", "utf-8")
        _replace(folder, temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace(folder: Path, new: Path) -> None:
    for path in new.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    if folder.exists():
        old = folder.with_name(f"{new.name}-old")
        folder.rename(old)
        new.rename(folder)
        shutil.rmtree(old)
    else:
        new.rename(folder)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
