"""A deterministic encoder without weights, so that tests of the queue, the cache and the service take milliseconds."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from embedding_generator.encoders import Encoded


class HashEncoder:
    """Equal texts have equal vectors, different ones differ; a token is a word, and eight of them are read.

    Remembers the batches it was given. A text with "poison" in it makes a whole batch fail.
    """

    model = "hash@1"
    max_tokens: int | None = 8

    def __init__(self, dimension: int = 16) -> None:
        self.dimension = dimension
        self.batches: list[list[str]] = []

    def encode(self, texts: Sequence[str]) -> Encoded:
        self.batches.append(list(texts))
        if any("poison" in text for text in texts):
            raise RuntimeError("the batch is poisoned")
        words = [text.split() for text in texts]
        vectors = [self._vector(" ".join(row[: self.max_tokens])) for row in words]
        return Encoded(
            np.array(vectors, np.float32).reshape(len(texts), self.dimension),
            tuple(min(len(row), self.max_tokens or len(row)) for row in words),
            tuple(self.max_tokens is not None and len(row) > self.max_tokens for row in words),
        )

    def _vector(self, text: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        return np.random.default_rng(seed).normal(size=self.dimension) * 3.0  # (D,) not of length 1, on purpose
