"""Settings of the recommender service, and of the same engine where it runs inside another process."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from service_kit.settings import ServiceSettings


class RecommenderSettings(ServiceSettings):
    port: int = Field(8001, ge=0, le=65535, description="Port of the recommender service")
    model_poll_s: float = Field(
        2.0, gt=0, description="Seconds between looks at the model folder for a newly activated version"
    )
    models_kept: int = Field(
        3, ge=0, description="Models kept in memory beside the active one, when requests name them; the oldest goes"
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="Where models run; auto takes a GPU if there is one"
    )
    torch_threads: int = Field(
        1, ge=1, description="Threads of PyTorch for one ranking; requests are the parallelism of a server"
    )
    ranking_history: int = Field(1000, ge=1, description="Latest ratings of a history that a ranking looks at")
    explained_history: int = Field(
        50, ge=1, description="Latest liked films of a history that are tried as reasons, each by ranking without it"
    )
    max_ranked: int = Field(10_000, ge=1, description="Largest k of one ranking; a larger one is answered 422")
    max_history_ids: int = Field(100_000, ge=1, description="Most ids in each of history, seen and avoid")
    max_candidates: int = Field(100_000, ge=1, description="Most candidates, or films to predict, in one request")
    sequence_cache_bytes: int = Field(
        2 << 30, ge=0, description="Bytes of read sequence files kept on disk; what was not used for longest goes"
    )

    @property
    def checkpoints_dir(self) -> Path:
        """Where interrupted trainings stand."""
        return self.home / "checkpoints"

    @property
    def sequence_cache_dir(self) -> Path:
        return self.home / "cache" / "sequences"

    @property
    def models_dir(self) -> Path:
        """Where trained versions are kept, and the pointer to the active one."""
        return self.home / "models"
