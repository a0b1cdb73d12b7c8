"""Settings of the command line itself, and the list of all groups of settings for `marquee config`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from service_kit.settings import MarqueeSettings, ServiceSettings


class SetupSettings(MarqueeSettings):
    dataset: str = Field("ml-latest-small", description="Data set that `up` and `setup` load into an empty store")
    default_models: Annotated[tuple[str, ...], NoDecode] = Field(
        ("transitions", "regression", "soup", "blend"),
        description="Models that `up` and `setup` train, separated by commas, in this order; what is best on "
        "validation so far serves",
    )
    retrain_growth: float = Field(
        0.2, gt=0, description="How much the number of ratings may grow before `up` and `setup` train again"
    )
    sequence_length: int | None = Field(
        None, ge=2, description="Films of a sequence that a sequence model is trained on; none: the model's default"
    )

    @field_validator("default_models", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, (name.strip() for name in value.split(",")))) if isinstance(value, str) else value


def groups() -> list[tuple[str, type[MarqueeSettings]]]:
    """Every group of settings with its heading, the shared ones first."""
    from core_api.settings import CoreSettings
    from embedding_generator.settings import EmbeddingSettings
    from indexer.datasets.settings import DatasetSettings
    from indexer.settings import StoreSettings
    from recommender_api.settings import RecommenderSettings

    return [
        ("All services", ServiceSettings),
        ("Core", CoreSettings),
        ("Store", StoreSettings),
        ("Setup", SetupSettings),
        ("Data sets", DatasetSettings),
        ("Embedding", EmbeddingSettings),
        ("Recommender", RecommenderSettings),
    ]
