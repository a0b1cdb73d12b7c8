"""What every reader of this folder gives: up to four columns, found by the names that people use for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recommender_api.data import DataError

if TYPE_CHECKING:
    import pyarrow as pa

USER, ITEM, RATING, TIMESTAMP = "user", "item", "rating", "timestamp"

_NAMES = {
    USER: {"user", "userid", "uid", "reviewerid", "sessionid"},
    ITEM: {
        "item",
        "itemid",
        "iid",
        "movie",
        "movieid",
        "film",
        "filmid",
        "book",
        "bookid",
        "asin",
        "product",
        "productid",
    },
    RATING: {"rating", "ratings", "stars", "score", "overall"},
    TIMESTAMP: {"timestamp", "timestamps", "time", "ts", "unixreviewtime", "date", "datetime"},
}


@dataclass(frozen=True)
class Columns:
    """N rows in the order of the file."""

    users: pa.ChunkedArray  # (N,) text
    items: pa.ChunkedArray  # (N,) text
    ratings: pa.ChunkedArray | None  # (N,) text or numbers
    timestamps: pa.ChunkedArray | None  # (N,) text, numbers or times
    where: Callable[[int], str]  # a row's place, as a sentence begins: "ratings.csv, line 7"
    renumbered: bool = False  # bare "user item" pairs may be numbers of the file's own


def find_columns(names: Sequence[str], path: Path) -> dict[str, str]:
    """Meaning -> the column's name in the file. Raises DataError unless there are a user and an item, each once."""
    found: dict[str, str] = {}
    for name in names:
        folded = "".join(letter for letter in name.partition(":")[0].lower() if letter.isalnum())  # item_id:token
        for meaning, known in _NAMES.items():
            if folded not in known:
                continue
            if meaning in found:
                raise DataError(f"{path.name} has two columns for the {meaning}: {found[meaning]!r} and {name!r}.")
            found[meaning] = name
    if missing := [meaning for meaning in (USER, ITEM) if meaning not in found]:
        raise DataError(
            f"{path.name} has no column for the {' and the '.join(missing)}; it has {', '.join(map(repr, names))}: "
            "name them user and item."
        )
    return found
