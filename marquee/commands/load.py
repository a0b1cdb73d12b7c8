"""`marquee load NAME|DIR`: a data set into the store. Repeating it changes nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from marquee.options import Json, Store
from marquee.output import result, result_json, say

SHOWN_REASONS = 10


def load(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="NAME|DIR", help="A data set by name, or its folder: MovieLens, The Movies Dataset, TMDB 5000."
        ),
    ],
    store: Store = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Equal ids of this data set and what is stored mean the same.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="All ratings, where a small extract of them lies beside (ratings_small.csv).")
    ] = False,
    as_json: Json = False,
) -> int:
    """Put a data set into the store.

    Rows that cannot be are set aside in a report, and the exit code is 1. Loading twice changes nothing.
    """
    from marquee import steps
    from marquee.terminal import RichProgress
    from marquee.wiring import opened_stores

    with opened_stores(store) as stores, RichProgress() as progress:
        loaded = steps.load(stores, dataset, merge=merge, full=full, progress=progress)
    summary = loaded.summary
    for sentence in summary.missing:
        say(sentence)
    for reason, rows in list(summary.set_aside.items())[:SHOWN_REASONS]:
        say(f"set aside {rows:,} rows: {reason}")
    for failure in summary.failures[:SHOWN_REASONS]:
        say(f"not stored: {failure.id}: {failure.reason}")
    if loaded.report_file is not None:
        say(f"every row that was set aside, with file, line and reason: {loaded.report_file}")
    if summary.only_added and not as_json:
        result(f"{summary.name}: added to {summary.movies:,} films in {summary.seconds:.1f} s")
        say("`marquee embed` makes their vectors anew.")
        return 0 if summary.complete else 1
    counts = {"movies": summary.movies, "ratings": summary.ratings, "users": summary.users}
    set_aside = sum(summary.set_aside.values())
    if as_json:
        result_json({"dataset": summary.name, **counts, "set_aside": set_aside, "seconds": round(summary.seconds, 3)})
    else:
        parts = [f"{count:,} {what}" for what, count in counts.items()]
        result(f"{summary.name}: {', '.join(parts)}, {set_aside:,} rows set aside, in {summary.seconds:.1f} s")
    return 0 if summary.complete else 1
