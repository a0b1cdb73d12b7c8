"""`marquee setup`: load, embed and train what is missing, then end. Compose runs it once before the services."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from marquee.options import Store
from marquee.output import say

NICENESS = 10  # training beside a server leaves it the first turn


def setup(
    dataset: Annotated[
        str | None, typer.Option("--dataset", metavar="NAME|DIR", help="Instead of the default one.")
    ] = None,
    store: Store = None,
    only_train: Annotated[bool, typer.Option("--only-train", hidden=True)] = False,
) -> None:
    """Load, embed and train what is missing. Running it again changes nothing."""
    from marquee import steps
    from marquee.relay import JsonProgress
    from marquee.terminal import RichProgress
    from marquee.wiring import opened_stores

    with opened_stores(store) as stores:
        if only_train:  # the child of `marquee up`, which shows the progress
            os.nice(NICENESS)
            steps.train_defaults(stores, JsonProgress(sys.stdout))
            return
        with RichProgress() as progress:
            steps.load_if_empty(stores, dataset, progress)
            steps.embed_all(stores, progress)
            if steps.training_needed(stores) or steps.active_is_refused():
                steps.train_defaults(stores, progress)
            else:
                say("train: nothing to train")
