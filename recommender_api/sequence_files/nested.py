"""Rows that hold a user's whole sequence as a list become one row an item."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recommender_api.data import DataError

if TYPE_CHECKING:
    import pyarrow as pa


def unnested(
    columns: dict[str, pa.ChunkedArray], item: str, path: Path
) -> tuple[dict[str, pa.ChunkedArray], np.ndarray]:
    """The columns with lists laid out, a scalar repeated for each of its row's items; and the row each came from (N,).

    Raises DataError where lists of one row differ in length.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = np.arange(len(columns[item]))
    nested = [name for name, column in columns.items() if _is_list(column)]
    if not nested:
        return columns, rows
    if item not in nested:
        raise DataError(f"{path.name} has lists in {nested[0]!r}, but one {item} a row.")
    lengths = pc.fill_null(pc.list_value_length(columns[item]), 0).to_numpy()
    origin = np.repeat(rows, lengths)
    laid_out = {}
    for name, column in columns.items():
        if not _is_list(column):
            laid_out[name] = column.take(pa.array(origin))
            continue
        own = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
        if (own != lengths).any():
            row = int(np.flatnonzero(own != lengths)[0])
            raise DataError(f"{path.name}, row {row + 1}: {lengths[row]} entries of {item}, but {own[row]} of {name}.")
        laid_out[name] = pc.list_flatten(column)
    return laid_out, origin


def _is_list(column: pa.ChunkedArray) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(column.type) or pa.types.is_large_list(column.type))
