"""Where tests find real MovieLens data, which the project does not ship."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).parents[3] / "shared" / "datasets"  # a collection beside the repository


def real_dataset(name: str) -> Path:
    """The folder or archive of this data set; else a skip, or a failure where REQUIRE_SERVICES=1."""
    folder = Path(os.environ.get("MARQUEE_DATASETS") or _BESIDE)
    for place in (folder / name, folder / f"{name}.zip"):
        if place.exists():
            return place
    sentence = f"no {name} in {folder}: set MARQUEE_DATASETS to the folder that holds it"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{sentence} (REQUIRE_SERVICES=1)")
    pytest.skip(sentence)
