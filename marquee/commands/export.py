"""`marquee export DIR`: what training reads, as Parquet and numpy files with a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from marquee.options import Json, Store
from marquee.output import result, result_json


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write; replaced when it holds an export.")],
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Write the store to a folder for training.

    `marquee train --data DIR` and `marquee evaluate --data DIR` read it on any machine.
    """
    from indexer.export import export as write
    from marquee.terminal import RichProgress
    from marquee.wiring import opened_stores

    with opened_stores(store) as stores, RichProgress() as progress:
        manifest = write(stores, folder, progress=progress)
    if as_json:
        result_json({"folder": str(folder), "counts": dict(manifest.counts)})
    else:
        result(f"{folder}: " + ", ".join(f"{count:,} {what}" for what, count in manifest.counts.items()))
