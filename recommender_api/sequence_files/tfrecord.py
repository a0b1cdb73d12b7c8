"""TFRecord files of tf.train.Example: a record is one item of a user, or a user with lists.

The package `tfrecord` reads them (an extra); this file says which features mean what.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from recommender_api.data import DataError
from recommender_api.sequence_files.columns import ITEM, RATING, TIMESTAMP, USER, Columns, find_columns
from recommender_api.sequence_files.nested import unnested

_SUFFIXES = (".tfrecord", ".tfrecords", ".tfrec", ".tfrecord.gz", ".tfrecords.gz")


def is_tfrecord(path: Path) -> bool:
    """By its name: the format has no mark of its own."""
    return path.name.lower().endswith(_SUFFIXES)


def read_tfrecord(path: Path) -> Columns:
    """Raises DataError, also where the package that reads the format is not installed."""
    import pyarrow as pa

    records = _records(path)
    first = next(records, None)
    if first is None:
        raise DataError(f"{path.name} is empty.")
    meaning = find_columns(sorted(first), path)
    values: dict[str, list[Any]] = {kind: [] for kind in meaning}
    for number, record in enumerate(chain([first], records), start=1):
        for kind, name in meaning.items():
            if name not in record:
                raise DataError(f"{path.name}, record {number} has no {name!r}, but the first one has.")
            values[kind].append(_plain(record[name]))
    several = {kind for kind, entries in values.items() if any(len(entry) != 1 for entry in entries)}
    columns = {
        kind: pa.chunked_array([pa.array(entries if kind in several else [entry[0] for entry in entries])])
        for kind, entries in values.items()
    }
    columns, origin = unnested(columns, ITEM, path)
    return Columns(
        users=columns[USER],
        items=columns[ITEM],
        ratings=columns.get(RATING),
        timestamps=columns.get(TIMESTAMP),
        where=lambda row: f"{path.name}, record {origin[row] + 1}",
    )


def _records(path: Path) -> Iterator[dict[str, Any]]:
    try:
        from google.protobuf.message import DecodeError
        from tfrecord.reader import tfrecord_loader
    except ModuleNotFoundError as error:
        raise DataError(
            f"reading {path.name} needs the package {error.name}: pip install 'marquee-recommender[tfrecord]'."
        ) from None
    compression = "gzip" if path.name.lower().endswith(".gz") else None
    read = 0
    try:
        for record in tfrecord_loader(str(path), None, compression_type=compression):
            read += 1
            yield record
    except (RuntimeError, IndexError, OverflowError, MemoryError, OSError, EOFError, zlib.error, DecodeError) as error:
        raise DataError(f"{path.name} is damaged after record {read} ({type(error).__name__}).") from None


def _plain(value: Any) -> list[Any]:
    """A feature as a list; bytes are text."""
    entries = [value] if isinstance(value, bytes) else np.asarray(value).tolist()
    return [entry.decode("utf-8", "replace") if isinstance(entry, bytes) else entry for entry in entries]
