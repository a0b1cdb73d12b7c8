"""The embedder behind a service: ours, or any server that speaks OpenAI's `POST /v1/embeddings`.

Nothing but that one call is relied on. Used by the core where the embedding service is a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from embedding_generator.client import Embeddings
from embedding_generator.wire import BULK, PRIORITY_HEADER, Malformed, read_answer
from service_kit.errors import UpstreamUnavailable
from service_kit.http import ServiceClient

_PATH = "/v1/embeddings"


class HttpEmbedder:
    """Implements `Embedder`.

    `model` is sent along where a server wants it named; without it a server's one model is meant. Lists longer than
    `batch` texts go as several requests (32 is what common servers take). The client's timeout holds for each
    interactive request, `bulk_timeout_s` for each bulk one.
    """

    def __init__(
        self, client: ServiceClient, model: str | None = None, *, batch: int = 32, bulk_timeout_s: float = 30.0
    ) -> None:
        self._client = client
        self._model = model
        self._batch = batch
        self._bulk_timeout_s = bulk_timeout_s

    def embed(self, texts: Sequence[str], *, bulk: bool = False) -> Embeddings:
        if not texts:  # only a vector tells the model and its dimension
            probe = self._request(["dimension"], bulk)
            return Embeddings(probe.model, probe.vectors[:0], ())
        vectors: np.ndarray | None = None
        truncated = [False] * len(texts)
        model, tokens = "", 0
        for places in self._batches(texts):
            part = self._request([texts[place] for place in places], bulk)
            if vectors is None:
                model, vectors = part.model, np.empty((len(texts), part.vectors.shape[1]), np.float32)  # (N, D)
            if part.model != model or part.vectors.shape[1] != vectors.shape[1]:
                raise UpstreamUnavailable(
                    f"the {self._client.name} service went from {model} to {part.model} meanwhile: try again"
                )
            vectors[places] = part.vectors
            for place, cut in zip(places, part.truncated, strict=True):
                truncated[place] = cut
            tokens += part.tokens
        assert vectors is not None
        return Embeddings(model, vectors, tuple(truncated), tokens)

    def _batches(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """Places of the texts of each request, longest first: texts of like length make a batch with little padding."""
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        return (order[start : start + self._batch] for start in range(0, len(order), self._batch))

    def _request(self, texts: Sequence[str], bulk: bool) -> Embeddings:
        body: dict[str, object] = {"input": list(texts), "encoding_format": "base64"}
        if self._model is not None:
            body["model"] = self._model
        answered = self._client.post(
            _PATH,
            body,
            headers={PRIORITY_HEADER: BULK} if bulk else None,
            timeout_s=self._bulk_timeout_s if bulk else None,
        )
        try:
            return read_answer(answered, len(texts))
        except Malformed as error:
            raise UpstreamUnavailable(f"the {self._client.name} service answered {error}") from None
