"""`marquee up`: from nothing to recommendations in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from marquee.options import Host, Insecure, Port, Store


def up(
    dataset: Annotated[
        str | None, typer.Option("--dataset", metavar="NAME", help="A MovieLens data set by name.")
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="A folder or zip with a data set.")] = None,
    host: Host = None,
    port: Port = None,
    store: Store = None,
    insecure: Insecure = False,
) -> None:
    """Load, embed, train what is missing; serve it all."""
    if dataset is not None and data is not None:
        raise typer.BadParameter("give --dataset or --data, not both")
    from marquee import up as flow

    named = str(data) if data is not None else dataset
    flow.up({"host": host, "port": port, "insecure": insecure or None}, named, store)
