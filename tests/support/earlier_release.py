"""A stored version as an earlier release left it: whole and signed, with an option that there is no more."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from recommender_api.model_files import active_version


def as_an_earlier_release_wrote_it(home: Path) -> str:
    """Change the active version to be such a one; answers its version."""
    active = active_version(home / "models")
    assert active is not None
    folder = home / "models" / active[0] / active[1]
    config = json.loads((folder / "config.json").read_text())
    config["options"]["of_old"] = 1
    content = json.dumps(config).encode()
    (folder / "config.json").write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["config.json"] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return active[1]
