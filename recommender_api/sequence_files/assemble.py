"""Columns of a file as `TrainingData`: values checked, ids made rows, users in order, each item once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recommender_api.data import RATINGS, TIMESTAMPS, DataError, TrainingData, encode
from recommender_api.sequence_files.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

IMPLIED_RATING = 4.0  # of a row without one: liked, by any cut
_LATEST = 4_102_444_800  # 2100; later seconds are most likely milliseconds


def assemble(columns: Columns) -> TrainingData:
    """Raises DataError, with the row's place, for a value that cannot be."""
    n, where = len(columns.users), columns.where
    if n == 0:
        raise DataError("the file has no rows.")
    user_vocabulary, users = encode(_ids(columns.users, "user", where))
    vocabulary, items = encode(_ids(columns.items, "item", where))
    given, times = columns.ratings, columns.timestamps
    ratings = np.full(n, IMPLIED_RATING, np.float32) if given is None else _ratings(given, where)
    timestamps = np.arange(n, dtype=np.int64) if times is None else _timestamps(times, where)
    order = np.lexsort((timestamps, users))  # stable: ties stay as they stand
    order = order[_latest(users[order] * len(vocabulary) + items[order])]
    implied = frozenset(
        name for name, column in ((RATINGS, columns.ratings), (TIMESTAMPS, columns.timestamps)) if column is None
    )
    return TrainingData(
        vocabulary=vocabulary,
        user_ids=user_vocabulary.ids,
        users=users[order],
        items=items[order],
        ratings=ratings[order],
        timestamps=timestamps[order],
        titles=("",) * len(vocabulary),
        genres=((),) * len(vocabulary),
        years=np.zeros(len(vocabulary), np.int64),
        implied=implied,
    )


def _latest(pairs: np.ndarray) -> np.ndarray:
    """(N,) bool: the last row of each equal number."""
    _, from_end = np.unique(pairs[::-1], return_index=True)
    keep = np.zeros(len(pairs), bool)
    keep[len(pairs) - 1 - from_end] = True
    return keep


def _ids(column: pa.ChunkedArray, what: str, where: Callable[[int], str]) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    missing = pc.fill_null(pc.equal(text, ""), True).to_numpy()
    if missing.any():
        raise DataError(f"{where(int(missing.argmax()))}: no {what}.")
    broken = pc.match_substring(text, "\n").to_numpy()
    if broken.any():
        raise DataError(f"{where(int(broken.argmax()))}: a quote that is not closed.")
    return text.dictionary_encode()


def _ratings(column: pa.ChunkedArray, where: Callable[[int], str]) -> np.ndarray:
    ratings = _numbers(column, "rating", where)
    bad = ~((ratings >= 0) & (ratings <= 5))
    if bad.any():
        row = int(bad.argmax())
        raise DataError(f"{where(row)}: the rating {ratings[row]:g} is not within 0 to 5; divide them to fit.")
    return ratings.astype(np.float32)


def _timestamps(column: pa.ChunkedArray, where: Callable[[int], str]) -> np.ndarray:
    import pyarrow as pa

    if pa.types.is_temporal(column.type):
        column = column.cast(pa.timestamp("s"), safe=False).cast(pa.int64())
    times = _numbers(column, "timestamp", where)
    bad = ~(np.abs(times) <= _LATEST)
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{where(row)}: the timestamp {times[row]:.0f} lies after 2100; give seconds, not milliseconds."
        )
    return times.astype(np.int64)


def _numbers(column: pa.ChunkedArray, what: str, where: Callable[[int], str]) -> np.ndarray:
    """(N,) float64: exact for every time in seconds."""
    import pyarrow as pa

    try:
        values = column.cast(pa.float64()).to_numpy()
        bad = ~np.isfinite(values)
    except pa.ArrowInvalid:
        texts = column.to_pylist()
        bad = np.array([not _is_number(text) for text in texts])
    if bad.any():
        row = int(bad.argmax())
        raise DataError(f"{where(row)}: the {what} {column[row].as_py()!r} is no number.")
    return np.asarray(values, np.float64)


def _is_number(text: str) -> bool:
    import pyarrow as pa

    try:
        pa.scalar(text, pa.string()).cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True
