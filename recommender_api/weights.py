"""Arrays on disk as safetensors, read with every bound known beforehand: names, types and shapes.

Used by each model's `save` and `load`. The format runs no code; what is left to refuse is a file that is cut short,
bloated, or not of the size that the vocabulary asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from service_kit.errors import ModelUnavailable

LONGEST_HEADER = 1 << 20  # bytes; ours have a few kB, the format would allow 100 MB
FILE_NAME = "weights.safetensors"


class ModelFileError(ModelUnavailable):
    """A stored model that cannot be used; one sentence with the file and what is wrong."""

    title = "A model file cannot be used"


def write_arrays(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / FILE_NAME)


def read_arrays(folder: Path, names: frozenset[str] | set[str]) -> dict[str, np.ndarray]:
    """The arrays of a folder, exactly these names. Raises ModelFileError for a damaged file or other names."""
    from safetensors import SafetensorError, safe_open

    path = folder / FILE_NAME
    _check_header(path)
    try:
        with safe_open(path, framework="numpy") as file:
            found = set(file.keys())
            if found != names:
                raise ModelFileError(f"{path} holds the arrays {sorted(found)}, expected {sorted(names)}.")
            return {name: file.get_tensor(name) for name in found}
    except SafetensorError as error:
        raise ModelFileError(f"{path} is damaged ({error}); train or fetch the model again.") from None


def _check_header(path: Path) -> None:
    """Before anything parses it: the header's length is the first eight bytes, little endian."""
    if not path.is_file():
        raise ModelFileError(f"{path} is missing; train or fetch the model again.")
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > LONGEST_HEADER or length + 8 > path.stat().st_size:
        raise ModelFileError(f"{path} announces a header of {length} bytes, at most {LONGEST_HEADER} are read.")


def check_rows(folder: Path, what: str, rows: int, vocabulary_size: int) -> None:
    """Weights and vocabulary must agree in size; the message has both numbers."""
    if rows != vocabulary_size:
        raise ModelFileError(f"{folder}: {what} are for {rows} films, but the vocabulary has {vocabulary_size}.")
