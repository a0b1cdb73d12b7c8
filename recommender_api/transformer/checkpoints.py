"""Where a training stands, in one file that is replaced whole: what `--resume` goes on from after any end.

safetensors with the few numbers beside the arrays as JSON in its header; nothing in it is executed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from service_kit.errors import InvalidRequest


@dataclass(frozen=True)
class Checkpoint:
    arrays: Mapping[str, Tensor]
    state: Mapping[str, Any]  # plain JSON

    def under(self, prefix: str) -> dict[str, Tensor]:
        """The arrays named "prefix.NAME", by NAME."""
        start = f"{prefix}."
        return {name.removeprefix(start): array for name, array in self.arrays.items() if name.startswith(start)}


def write(path: Path, checkpoint: Checkpoint) -> None:
    """The old file or the new one is there at any moment, and the new one is on disk when this returns."""
    from safetensors.torch import save

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    arrays = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.arrays.items()}
    with temporary.open("wb") as file:
        file.write(save(arrays, {"state": json.dumps(checkpoint.state)}))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read(path: Path) -> Checkpoint:
    """Raises InvalidRequest where there is none, or one that is damaged."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InvalidRequest(
            "There is no interrupted training with these options and this data; without --resume one begins."
        )
    try:
        with safe_open(path, framework="pt") as file:
            names, state = list(file.keys()), json.loads(file.metadata()["state"])
            return Checkpoint({name: file.get_tensor(name) for name in names}, state)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InvalidRequest(f"{path.name} is damaged ({error}); train without --resume.") from None
