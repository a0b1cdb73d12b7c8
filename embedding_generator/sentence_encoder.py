"""An encoder over a sentence-transformers model on disk. Never runs code of the model's, never opens a pickle.

Vectors are what the library's own `encode` gives (prompts, pooling and all).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from embedding_generator.sentence_models import Located
from service_kit.errors import ModelUnavailable


class SentenceEncoder:
    def __init__(self, located: Located, *, device: str = "auto", batch: int = 32) -> None:
        self.model = located.model
        self._batch = batch
        self._model = _load(located, device)
        self._tokenizer = self._model.tokenizer
        self.dimension = int(self._model.get_embedding_dimension())
        self.max_tokens: int | None = self._model.max_seq_length

    def lengths(self, texts: Sequence[str]) -> list[int]:
        if not texts:
            return []
        ids = self._tokenizer(list(texts), truncation=False, padding=False, verbose=False)["input_ids"]
        return [len(row) for row in ids]

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        vectors = self._model.encode(list(texts), batch_size=self._batch, show_progress_bar=False)  # (N, D)
        return np.asarray(vectors, np.float32).reshape(len(texts), self.dimension)


def _load(located: Located, device: str) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ImportError as error:
        raise ModelUnavailable(
            f"{located.model} needs the package {error.name}: install marquee-recommender[embedding], "
            "or use the model `lsa`"
        ) from error
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # loading a model draws a bar of its own into ours
    try:
        model = SentenceTransformer(
            str(located.folder),
            device=None if device == "auto" else device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except Exception as error:  # any: what the library raises depends on which file is wrong, and how
        reason = " ".join(str(error).split())[:300]
        raise ModelUnavailable(f"the embedding model in {located.folder} could not be loaded: {reason}") from error
    return model.eval()
