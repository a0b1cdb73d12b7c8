"""`marquee serve`: one service as a process of its own, the way compose runs it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from marquee.options import Host, Insecure, Port, Store


class Service(StrEnum):
    core = "core"
    recommender = "recommender"
    embedding = "embedding"


def serve(
    service: Annotated[Service, typer.Argument(help="Which one.")],
    host: Host = None,
    port: Port = None,
    insecure: Insecure = False,
    store: Store = None,
) -> None:
    """Run one service: core, recommender or embedding."""
    from marquee import serving

    given = {"host": host, "port": port, "insecure": insecure or None}
    if service is Service.core:
        serving.serve_core(given, store)
    elif service is Service.recommender:
        serving.serve_recommender(given)
    else:
        serving.serve_embedding(given)
