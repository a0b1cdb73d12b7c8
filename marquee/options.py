"""Options that several commands share, so that they read and behave the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="sqlite:///FILE or http(s)://HOST:9200; else MARQUEE_STORE, else the embedded store.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="PATH", help="A folder that `marquee export` wrote, a data set, or a file of sequences."
    ),
]
Host = Annotated[str | None, typer.Option("--host", help="Address to listen on; else MARQUEE_HOST, else 127.0.0.1.")]
Port = Annotated[
    int | None,
    typer.Option(
        "--port", min=0, max=65535, help="Port to listen on (0: a free one); else MARQUEE_PORT.", show_default=False
    ),
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Listen on an address other than loopback although no API key is set.")
]
