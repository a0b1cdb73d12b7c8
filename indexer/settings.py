"""The settings of the stores, read from MARQUEE_* variables or `.env` by whoever wires the parts together."""

from __future__ import annotations

from pydantic import Field

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

    @property
    def url(self) -> str:
        """The store's URL, the default filled in."""
        return self.store or f"sqlite:///{self.home.absolute() / 'store' / 'marquee.db'}"
