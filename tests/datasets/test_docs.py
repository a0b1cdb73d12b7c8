"""docs/datasets.md names every reason, every setting and every data set that the code knows."""

from __future__ import annotations

from pathlib import Path

from indexer.datasets import DatasetSettings, values
from indexer.datasets.known import KNOWN

TEXT = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text("utf-8")


def test_every_reason_is_explained() -> None:
    reasons = [reason for name, reason in vars(values).items() if name.isupper() and isinstance(reason, str)]
    assert len(reasons) > 10
    assert [reason for reason in reasons if f"`{reason}`" not in TEXT] == []


def test_every_setting_is_named() -> None:
    names = [f"MARQUEE_{name.upper()}" for name in DatasetSettings.model_fields]
    assert [name for name in names if name not in TEXT] == []


def test_every_data_set_that_can_be_downloaded_is_named() -> None:
    assert [name for name in KNOWN if f"`{name}`" not in TEXT] == []
