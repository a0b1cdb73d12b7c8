"""Rows of text: "user item" lines as SASRec and BERT4Rec take them, MovieLens rows without a header, tables with one.

Fields are separated by comma, semicolon, tab, blank or "::". A field goes over one line only.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recommender_api.data import DataError
from recommender_api.sequence_files.columns import ITEM, RATING, TIMESTAMP, USER, Columns, find_columns

if TYPE_CHECKING:
    import pyarrow as pa

_BOM = b"\xef\xbb\xbf"
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_WITHOUT_HEADER = {2: (USER, ITEM), 4: (USER, ITEM, RATING, TIMESTAMP)}


def read_text(path: Path) -> Columns:
    """Raises DataError with the line for a row that has another number of fields."""
    raw = path.read_bytes().removeprefix(_BOM)
    separator, first = _look(path, raw)
    if separator == "::":  # the reader below takes one byte
        raw, separator = raw.replace(b"::", b"\t"), "\t"
    elif separator == " ":  # several are one, and at the end of a line none
        raw = b"\n".join(b" ".join(line.split()) for line in raw.splitlines())
    has_header = not any(_NUMBER.fullmatch(field) for field in first)
    names = first if has_header else list(_names_without_header(path, first))
    meaning = find_columns(names, path)
    table = _parse(path, raw, separator, names, has_header)

    def where(row: int) -> str:
        return f"{path.name}, line {_line_of(raw, row + has_header)}"

    return Columns(
        users=table[meaning[USER]],
        items=table[meaning[ITEM]],
        ratings=table[meaning[RATING]] if RATING in meaning else None,
        timestamps=table[meaning[TIMESTAMP]] if TIMESTAMP in meaning else None,
        where=where,
        renumbered=not has_header and len(names) == 2,
    )


def _look(path: Path, raw: bytes) -> tuple[str, list[str]]:
    """The separator and the fields of the first line that is not empty."""
    line = next((line for line in raw[:65536].splitlines() if line.strip()), b"")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise DataError(f"{path.name} is no text in UTF-8, no parquet and no .tfrecord file.") from None
    if not text:
        raise DataError(f"{path.name} is empty.")
    for separator in ("::", "\t", ",", ";", " "):
        if separator in text.strip(" "):
            fields = text.split(None if separator == " " else separator)
            return separator, [field.strip().strip('"') for field in fields]
    raise DataError(f"{path.name} has one column; a row needs at least a user and an item.")


def _names_without_header(path: Path, first: list[str]) -> tuple[str, ...]:
    if len(first) not in _WITHOUT_HEADER:
        raise DataError(
            f"{path.name} has {len(first)} columns and no header: give it one (user, item, rating, timestamp); without "
            "it, rows are `user item` or `user item rating timestamp`."
        )
    return _WITHOUT_HEADER[len(first)]


def _parse(path: Path, raw: bytes, separator: str, names: list[str], has_header: bool) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv

    broken: list[Any] = []

    def keep(row: Any) -> str:
        broken.append(row)
        return "skip"

    try:
        table = csv.read_csv(
            io.BytesIO(raw),
            read_options=csv.ReadOptions(column_names=names, skip_rows=0, use_threads=False),
            parse_options=csv.ParseOptions(delimiter=separator, invalid_row_handler=keep),
            convert_options=csv.ConvertOptions(
                column_types={name: pa.string() for name in names}, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise DataError(f"{path.name} cannot be read as rows of text: {str(error).splitlines()[0]}.") from None
    if broken:
        row = broken[0]
        line = raw.splitlines().index(row.text.encode()) + 1
        raise DataError(
            f"{path.name}, line {line}: {row.actual_columns} fields, but the first line has {row.expected_columns}."
        )
    return table.slice(1) if has_header else table


def _line_of(raw: bytes, row: int) -> int:
    """The number of the line, from 1, that holds this row: empty lines are no rows."""
    lines = (number for number, line in enumerate(raw.splitlines(), start=1) if line)
    return next(number for at, number in enumerate(lines) if at == row)
