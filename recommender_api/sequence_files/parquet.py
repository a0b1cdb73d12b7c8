"""Parquet: one row an item, or one row a user with lists of items (and of ratings, of times)."""

from __future__ import annotations

from pathlib import Path

from recommender_api.data import DataError
from recommender_api.sequence_files.columns import ITEM, RATING, TIMESTAMP, USER, Columns, find_columns
from recommender_api.sequence_files.nested import unnested

_MAGIC = b"PAR1"


def is_parquet(path: Path) -> bool:
    """By its first bytes: names do not matter."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def read_parquet(path: Path) -> Columns:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        meaning = find_columns(parquet.read_schema(path).names, path)
        table = parquet.read_table(path, columns=list(meaning.values()))
    except pa.ArrowException as error:
        raise DataError(f"{path.name} is a damaged parquet file: {str(error).splitlines()[0]}.") from None
    columns, origin = unnested({kind: table[name] for kind, name in meaning.items()}, ITEM, path)
    return Columns(
        users=columns[USER],
        items=columns[ITEM],
        ratings=columns.get(RATING),
        timestamps=columns.get(TIMESTAMP),
        where=lambda row: f"{path.name}, row {origin[row] + 1}",
    )
