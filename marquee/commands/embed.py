"""`marquee embed`: vectors for films that have none; `--rebuild` makes all anew beside the present ones."""

from __future__ import annotations

from typing import Annotated

import typer

from marquee.options import Json, Store
from marquee.output import result, result_json, say


def embed(
    store: Store = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Name or folder; lsa: fit one on the catalogue, no download.")
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="All films, into a new index that then takes over.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Turn the text of films into vectors."""
    from marquee import steps
    from marquee.terminal import RichProgress
    from marquee.wiring import opened_stores

    with opened_stores(store) as stores, RichProgress() as progress:
        report = steps.embed(stores, model, rebuild=rebuild, progress=progress)
        space = stores.vectors.space()
    for failure in report.failures[:10]:
        say(f"no vector: {failure.id}: {failure.reason}")
    name = space.model if space else None
    if as_json:
        result_json({"embedded": report.written, "failed": len(report.failures), "model": name})
    else:
        by = f" with {name}" if name else ""
        result(f"{report.written:,} films embedded{by}, {len(report.failures)} failed")
    return 1 if report.failures else 0
