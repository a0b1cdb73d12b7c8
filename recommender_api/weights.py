"""A model's arrays (safetensors) and configuration (JSON) on disk, read with bounds known beforehand.

Used by each model's `save` and `load`. The format runs no code; what is left to refuse is a file that is cut short,
bloated, or not of the size that the vocabulary asks for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from service_kit.errors import ModelUnavailable

LONGEST_HEADER = 1 << 20  # bytes; ours have a few kB, the format would allow 100 MB
FILE_NAME = "weights.safetensors"
CONFIG_NAME = "config.json"

Options = TypeVar("Options")


class ModelFileError(ModelUnavailable):
    """A stored model that cannot be used; one sentence with the file and what is wrong."""

    title = "A model file cannot be used"


def place(path: Path) -> str:
    """How messages name a file: "transitions/20261122T100000Z-1a2b3c4d/config.json", nothing of the machine."""
    return "/".join(path.parts[-3:])


def write_arrays(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    from safetensors.numpy import save

    # Not `save_file`, whose files only their owner may read: a service may run as another user than training.
    (folder / FILE_NAME).write_bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def read_arrays(folder: Path, names: frozenset[str] | set[str]) -> dict[str, np.ndarray]:
    """The arrays of a folder, exactly these names. Raises ModelFileError for a damaged file or other names."""
    from safetensors import SafetensorError, safe_open

    path = folder / FILE_NAME
    _check_header(path)
    try:
        with safe_open(path, framework="numpy") as file:
            found = set(file.keys())
            if found != names:
                raise ModelFileError(f"{place(path)} holds the arrays {sorted(found)}, expected {sorted(names)}.")
            return {name: file.get_tensor(name) for name in found}
    except SafetensorError as error:
        raise ModelFileError(f"{place(path)} is damaged ({error}); train or fetch the model again.") from None


def _check_header(path: Path) -> None:
    """Before anything parses it: the header's length is the first eight bytes, little endian."""
    if not path.is_file():
        raise ModelFileError(f"{place(path)} is missing; train or fetch the model again.")
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > LONGEST_HEADER or length + 8 > path.stat().st_size:
        raise ModelFileError(f"{place(path)} announces a header of {length} bytes, at most {LONGEST_HEADER} are read.")


def check_rows(folder: Path, what: str, rows: int, vocabulary_size: int) -> None:
    """Weights and vocabulary must agree in size; the message has both numbers."""
    if rows != vocabulary_size:
        raise ModelFileError(f"{place(folder)}: {what} are for {rows} films, but the vocabulary has {vocabulary_size}.")


def read_film_arrays(folder: Path, dimensions: Mapping[str, int], films: int) -> dict[str, np.ndarray]:
    """Arrays with a row for each of so many films and these numbers of dimensions, finite throughout."""
    arrays = read_arrays(folder, set(dimensions))
    for name, array in arrays.items():
        check_rows(folder, name, len(array) if array.ndim else 0, films)
        if array.ndim != dimensions[name] or not np.isfinite(array).all():
            raise ModelFileError(f"{place(folder)}: {name} have the wrong shape or are not finite; train again.")
    return arrays


def write_config(folder: Path, options: Any, **facts: Any) -> None:
    """config.json: the hyperparameters that a model was fitted with, and a few facts it needs beside its arrays."""
    document = {"options": asdict(options), **facts}
    (folder / CONFIG_NAME).write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", "utf-8")


def read_config(folder: Path, options_class: type[Options]) -> tuple[Options, dict[str, Any]]:
    """(options, facts). Raises ModelFileError for anything but what `write_config` writes for these options."""
    path = folder / CONFIG_NAME
    try:
        facts = json.loads(path.read_text("utf-8"))
        given = facts.pop("options")
        names = {field.name for field in fields(options_class)}  # type: ignore[arg-type]
        if set(given) != names:
            raise ModelFileError(
                f"{place(path)} has the options {sorted(given)}, this version has {sorted(names)}: train again."
            )
        return options_class(**given), facts
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelFileError(f"{place(path)} cannot be used ({error!r}); train or fetch the model again.") from None
