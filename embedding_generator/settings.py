"""Settings of the embedding service, and of the same engine where it runs inside another process."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from service_kit.settings import ServiceSettings

DEFAULT_MODEL = "all-MiniLM-L6-v2"


class EmbeddingSettings(ServiceSettings):
    port: int = Field(8000, ge=0, le=65535, description="Port of the embedding service")
    request_deadline_s: float = Field(
        30.0, gt=0, description="Seconds that a request may take in all (a full batch on a slow CPU needs some)"
    )
    embedding_model: str = Field(
        DEFAULT_MODEL,
        min_length=1,
        description="Sentence-transformers model by name or folder; `lsa`: the one fitted on the catalogue",
    )
    embedding_revision: str | None = Field(
        None, description="Commit, tag or branch of the model on its hub; none: the pulled one, else main"
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="Where models run; auto takes a GPU if there is one"
    )
    embedding_batch: int = Field(32, ge=1, le=1024, description="Texts that go through the model in one pass")
    embedding_queue: int = Field(
        2048, ge=1, description="Texts that may wait, interactive and bulk ones counted apart; more are answered 503"
    )
    embedding_cache_mb: int = Field(64, ge=0, description="Memory for vectors of texts asked before; 0: no cache")
    embedding_timeout_s: float = Field(
        5.0, gt=0, description="Longest wait of an interactive text in the queue; a nearer request deadline wins"
    )
    embedding_bulk_timeout_s: float = Field(
        120.0, gt=0, description="Longest wait of a slice of bulk texts in the queue; a nearer request deadline wins"
    )
    embedding_max_texts: int = Field(256, ge=1, description="Most texts in one request; more are answered 422")
    embedding_max_characters: int = Field(
        20_000, ge=1, description="Longest text in characters; a longer one is answered 422 (the model cuts by tokens)"
    )

    @property
    def embedding_models_dir(self) -> Path:
        """Where pulled and fitted embedding models are kept."""
        return self.home / "models" / "embedding"
