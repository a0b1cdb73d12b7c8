"""`marquee report USER`: a person's taste as one HTML page, to look at and to share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from marquee.options import Store
from marquee.output import result


def report(
    user: Annotated[str, typer.Argument(help="A user of the store with some ratings.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write; else USER.html in this folder.")
    ] = None,
    store: Store = None,
) -> None:
    """Write one page about a user's taste: kinds, odd ones, ten films with reasons."""
    from core_api.portrait import portrait
    from marquee.report_page import page
    from marquee.use_cases import core_in_process
    from service_kit.errors import InvalidRequest

    file = out or Path(f"{_file_name(user)}.html")
    with core_in_process(store) as core:
        content = page(portrait(core.stores, core.recommend, user))
    try:
        file.write_text(content, encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be written: {error.strerror}; name another with --out.") from None
    result(str(file))


def _file_name(user: str) -> str:
    kept = "".join(c if c.isalnum() or c in "-_" else "-" for c in user)[:60].strip("-")
    return kept or "report"
