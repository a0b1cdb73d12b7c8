"""Settings of finding and reading data sets, from MARQUEE_* variables or `.env`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from service_kit.settings import MarqueeSettings


class DatasetSettings(MarqueeSettings):
    datasets: Path | None = Field(
        default=None, description="Folder in which data sets lie, as NAME/ or NAME.zip, read first"
    )
    offline: bool = Field(default=False, description="Never download a data set")
    download_timeout_s: float = Field(default=1800, gt=0, description="Seconds that one download may take in all")
    archive_members: int = Field(
        default=1000, ge=1, description="Most files in a zip archive; one with more is refused"
    )
    archive_bytes: int = Field(default=16 * 2**30, ge=1, description="Most bytes that a zip archive may unpack to")
    archive_ratio: int = Field(default=100, ge=1, description="How many times its packed size one file may unpack to")

    @property
    def cache(self) -> Path:
        """Where downloads are kept."""
        return self.home / "datasets"
