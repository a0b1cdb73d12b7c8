"""What callers see of the embedding service: the `Embedder` protocol and its wire types.

Two implementations: `embedding_generator.engine.EmbeddingEngine` in the process and
`embedding_generator.http.HttpEmbedder` over the service. One contract test class runs on both.
Nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """The answer to one call, rows in the order of the texts."""

    model: str  # name@revision: vectors of different models never meet
    vectors: np.ndarray  # (N, D) float32, each row of length 1
    truncated: tuple[bool, ...]  # where a text was longer than the model reads


class Embedder(Protocol):
    def embed(self, texts: Sequence[str], *, bulk: bool = False) -> Embeddings:
        """Vectors of the texts. `bulk` work waits behind interactive calls.

        An empty list gives (0, D). Raises `UpstreamUnavailable` when the service does not answer in time,
        `ModelUnavailable` while the model is still loading or could not be loaded.
        """
