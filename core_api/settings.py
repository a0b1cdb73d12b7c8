"""The settings of the core: where its services are, how it chooses a strategy, how much one request may ask for."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from indexer.statistics import HALF_LIFE_DAYS
from service_kit.settings import ServiceSettings

_POSTER_URL = re.compile(r"(https?://[\w.-]+(?::\d+)?)/[\w./?=&%{}~-]*")  # nothing that a policy could be ended with


class CoreSettings(ServiceSettings):
    port: int = Field(1111, ge=0, le=65535, description="Port of the public API and page")
    embedding_url: str | None = Field(
        None, description="Base URL of the embedding service; without it the core has none, or one in its process"
    )
    recommender_url: str | None = Field(
        None, description="Base URL of the recommender service; without it the core has none, or one in its process"
    )
    service_deadline_s: float = Field(0.8, gt=0, description="Seconds that one call to a service may take")

    model_threshold: int = Field(
        1, ge=1, description="Ratings from which on the model ranks; with fewer, neighbours of what was liked"
    )
    history_sent: int = Field(1000, ge=1, description="Latest ratings that are sent to the recommender")
    cold_weight: float = Field(
        1.0,
        ge=0,
        le=1,
        description="How much a film that the model does not know counts when it is blended in by its nearness to the "
        "user's taste: 1 puts the nearest film of the catalogue at the top, 0 leaves such films out",
    )
    rating_model: str = Field(
        "regression",
        description="Model whose predicted ratings order films like one film, beside their keywords (the model soup)",
    )
    statistics_every_s: float = Field(300.0, gt=0, description="Seconds between two computations of popularity")
    half_life_days: float = Field(
        HALF_LIFE_DAYS, gt=0, description="Age in days at which a rating counts half for what is popular"
    )
    genres_as_list: bool = Field(
        False, description="Give genres and tags as lists instead of A|B in the answers of the unversioned calls"
    )
    ranking_cache: int = Field(2048, ge=0, description="Rankings kept in memory for repeated requests; 0: none")

    poster_url: str | None = Field(
        None,
        description="Where the page may fetch posters, with {tmdb_id} in it; none: it draws covers and asks nobody",
    )

    max_k: int = Field(1000, ge=1, description="Most films that one request may ask for")
    max_batch: int = Field(10_000, ge=1, description="Most ratings in one body")
    max_batch_movies: int = Field(500, ge=1, description="Most films in one body")
    max_sequence: int = Field(1000, ge=1, description="Most films in a typed-in sequence or a list of exclusions")
    max_group: int = Field(20, ge=1, description="Most users that one request may recommend for together")
    max_query_chars: int = Field(200, ge=1, description="Longest text that is searched for")
    max_page: int = Field(1000, ge=1, description="Most ratings on one page")

    max_import_bytes: int = Field(20_000_000, ge=1, description="Largest file of somebody's history that is imported")
    max_import_rows: int = Field(50_000, ge=1, description="Most entries of such a file")
    import_deadline_s: float = Field(30.0, gt=0, description="Seconds that importing such a file may take")

    @field_validator("embedding_url", "recommender_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        """Else every call would fail, and only then say so."""
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
                raise ValueError("give an address like http://localhost:8000, of http or https")
        return value

    @field_validator("poster_url")
    @classmethod
    def _is_a_template(cls, value: str | None) -> str | None:
        if value is not None and (_POSTER_URL.fullmatch(value) is None or "{tmdb_id}" not in value):
            raise ValueError("give an address like https://posters.example/{tmdb_id}.jpg")
        return value

    @property
    def poster_origin(self) -> str | None:
        found = _POSTER_URL.fullmatch(self.poster_url or "")
        return found[1] if found else None
