"""`marquee evaluate`: models and strategies on one split, best first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from marquee.options import Data, Json, Store
from marquee.output import result_json, say, table


def evaluate(
    models: Annotated[list[str] | None, typer.Argument(help="Which models; without a name the default ones.")] = None,
    data: Data = None,
    store: Store = None,
    protocol: Annotated[
        str, typer.Option("--protocol", help="leave-one-out, strict, time or random.")
    ] = "leave-one-out",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Also write CSV, JSON and every list that was ranked.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare models with popular and neighbours.

    All films are ranked, those already rated left out; each model is fitted on the training part only.
    """
    from marquee import training
    from marquee.settings import SetupSettings
    from marquee.terminal import RichProgress
    from marquee.wiring import read_settings

    with RichProgress() as progress:
        columns = training.read_data(data, store, progress)
        names = models or list(read_settings(SetupSettings).default_models)
        if not models and columns.vectors is None:
            names = [name for name in names if not training.needs_vectors(name)]
            say("the data has no vectors: neighbours and the models that learn from them are left out")
        board = training.compare(names, columns, protocol, progress)
    if out is not None:
        board.write(out)
    header, *rows = board.table()
    if as_json:
        result_json([{"model": row.name, **row.metrics} for row in board.rows])
    else:
        table(header, rows)
