"""Settings that all services share. Each service has its own frozen subclass, built once and passed down.

Values come from the environment (MARQUEE_*), else from `.env` in the working folder, else from here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service_kit.keys import ApiKey, parse_keys


class MarqueeSettings(BaseSettings):
    """What every group of settings has in common: the prefix, the file, no changes after the start."""

    model_config = SettingsConfigDict(
        env_prefix="MARQUEE_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # it may be a password
    )

    home: Path = Field(
        default_factory=lambda: user_data_path("marquee", appauthor=False),
        description="Folder of the embedded store, models, data sets, logs; the platform's user data folder if not set",
    )


class ServiceSettings(MarqueeSettings):
    host: str = Field("127.0.0.1", description="Address that a service listens on")
    insecure: bool = Field(False, description="Allow an address other than loopback although no API key is set")
    api_keys: Annotated[tuple[ApiKey, ...], NoDecode] = Field(
        (),
        description="Keys of callers as role:sha256-of-key, separated by commas; roles are read, write, admin; "
        "none: open",
    )
    service_key: SecretStr | None = Field(
        None, description="Key that the core shows to the embedding and the recommender service"
    )
    max_body_bytes: int = Field(2_000_000, ge=1, description="Largest request body; a larger one is answered 413")
    request_deadline_s: float = Field(2.0, gt=0, description="Seconds that a request may take in all")
    rate_limit_per_minute: int = Field(
        0, ge=0, description="Requests a minute per key (without keys: per address) and process; 0: no limit"
    )
    max_connections: int = Field(512, ge=1, description="Connections served at once; more are answered 503 at once")
    access_log: bool = Field(False, description="Log every request; without it only failed ones")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged")
    log_format: Literal["text", "json"] = Field("text", description="Log lines for a person or for a machine")

    @field_validator("api_keys", mode="before")
    @classmethod
    def _parse_keys(cls, value: object) -> object:
        return parse_keys(value) if isinstance(value, str) else value
