"""An embedder without weights: texts that share words are near each other, equal texts have equal vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from embedding_generator.client import Embeddings


class HashEmbedder:
    """Keeps the `Embedder` protocol. Remembers the texts it was given; `before` runs ahead of each call."""

    def __init__(
        self, model: str = "hash@1", dimension: int = 16, before: Callable[[Sequence[str]], None] | None = None
    ) -> None:
        self.model = model
        self.dimension = dimension
        self.before = before
        self.calls: list[tuple[list[str], bool]] = []  # texts, bulk

    def embed(self, texts: Sequence[str], *, bulk: bool = False) -> Embeddings:
        if self.before:
            self.before(texts)
        self.calls.append((list(texts), bulk))
        vectors = np.array([self._vector(text) for text in texts], np.float32).reshape(len(texts), self.dimension)
        return Embeddings(self.model, vectors, (False,) * len(texts))

    @property
    def embedded(self) -> list[str]:
        return [text for texts, _ in self.calls for text in texts]

    def _vector(self, text: str) -> np.ndarray:
        total = sum((self._word(word) for word in text.lower().split()), start=self._word(text) * 0.1)
        return total / np.linalg.norm(total)

    def _word(self, word: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(f"{self.model} {word}".encode()).digest()[:8], "big")
        return np.random.default_rng(seed).normal(size=self.dimension)
