"""`marquee config`: every setting, its value and where it came from; secrets masked."""

from __future__ import annotations

from typing import Annotated

import typer

from marquee.options import Json
from marquee.output import result, result_json, table


def config(
    as_json: Json = False,
    env: Annotated[bool, typer.Option("--env", help="Print .env.example.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/configuration.md.")] = False,
) -> None:
    """Every setting, its value, where it came from."""
    from marquee import describe_settings
    from marquee.wiring import readable_settings

    with readable_settings():
        if env or markdown:
            result((describe_settings.env_example() if env else describe_settings.markdown()).rstrip("\n"))
            return
        found = list(describe_settings.settings())
    if as_json:
        result_json(
            [{"variable": s.variable, "value": s.value, "source": s.source, "meaning": s.meaning} for s in found]
        )
    else:
        table(
            ["VARIABLE", "VALUE", "FROM", "MEANING"], [(s.variable, s.value or "-", s.source, s.meaning) for s in found]
        )
