"""A deterministic encoder without weights, so that tests of the queue, the cache and the service take milliseconds."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np


class HashEncoder:
    """Equal texts have equal vectors, different ones differ; a token is a word, and eight of them are read.

    Remembers the batches it was given. A text with "poison" in it makes a whole batch fail.
    """

    model = "hash@1"
    max_tokens: int | None = 8

    def __init__(self, dimension: int = 16) -> None:
        self.dimension = dimension
        self.batches: list[list[str]] = []

    def lengths(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.batches.append(list(texts))
        if any("poison" in text for text in texts):
            raise RuntimeError("the batch is poisoned")
        vectors = [self._vector(" ".join(text.split()[: self.max_tokens])) for text in texts]
        return np.array(vectors, np.float32).reshape(len(texts), self.dimension)

    def _vector(self, text: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        return np.random.default_rng(seed).normal(size=self.dimension) * 3.0  # (D,) not of length 1, on purpose
