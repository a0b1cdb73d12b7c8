"""The settings of the stores, read from MARQUEE_* variables or `.env` by whoever wires the parts together."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from service_kit.settings import MarqueeSettings


class StoreSettings(MarqueeSettings):
    store: str | None = Field(
        default=None,
        description="Where everything is kept: sqlite:///marquee.db (four slashes for an absolute path) or "
        "http(s)://host:9200. Without it: store/marquee.db under MARQUEE_HOME.",
    )
    longest_history: int = Field(
        default=40_000, ge=1, description="Ratings kept of one user; of more than that the oldest are dropped."
    )
    sqlite_busy_timeout_s: float = Field(
        default=1.0,
        gt=0,
        description="How long a SQLite write waits for another one before it gives up, in seconds; keep it below "
        "the deadline of a request.",
    )
    elasticsearch_user: str = Field(default="elastic", description="User of Elasticsearch, with the password below.")
    elasticsearch_password: SecretStr | None = Field(
        default=None, description="Password of that user; without it and without an API key none is sent."
    )
    elasticsearch_api_key: SecretStr | None = Field(
        default=None, description="API key of Elasticsearch (the encoded form); goes before user and password."
    )
    elasticsearch_ca_file: Path | None = Field(
        default=None, description="Certificate (PEM) of the authority that signed the one of Elasticsearch."
    )
    elasticsearch_prefix: str = Field(
        default="", description="Goes before the names of the indices, so that several stores can share a cluster."
    )
    elasticsearch_shards: int = Field(
        default=1, ge=1, le=1024, description="Primary shards of each index that is made from now on."
    )
    elasticsearch_hnsw_films: int = Field(
        default=200_000,
        ge=0,
        description="Up to this many films vectors are searched as they are (hnsw); a larger catalogue's next rebuild "
        "compresses them (bbq_hnsw).",
    )
    elasticsearch_timeout_s: float = Field(
        default=1.5,
        gt=0,
        description="Seconds that Elasticsearch gets for an answer within a request; keep it below the deadline of a "
        "request.",
    )
    elasticsearch_bulk_timeout_s: float = Field(
        default=60.0, gt=0, description="Seconds that Elasticsearch gets for an answer outside of requests."
    )

    @property
    def url(self) -> str:
        """The store's URL, the default filled in."""
        return self.store or f"sqlite:///{self.home.absolute() / 'store' / 'marquee.db'}"
