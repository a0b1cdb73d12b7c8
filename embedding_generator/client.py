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
    tokens: int = 0  # read in all; 0 where the service does not say


class Embedder(Protocol):
    def embed(self, texts: Sequence[str], *, bulk: bool = False) -> Embeddings:
        """Vectors of the texts. `bulk` work waits behind interactive calls.

        An empty list gives (0, D). Raises `UpstreamUnavailable` when the service does not answer in time or has
        too much to do, `ModelUnavailable` while the model is still loading, could not be loaded, or fails, and
        `InvalidRequest` for a text that has no vector (all or nothing: then none is returned).
        """
