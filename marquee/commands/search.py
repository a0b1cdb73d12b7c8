"""`marquee search TEXT`: films by title, tolerant of typos, or by meaning."""

from __future__ import annotations

from typing import Annotated

import typer

from marquee.options import Json, Store
from marquee.output import result_json, say, table


def search(
    text: Annotated[str, typer.Argument(help="A title, or a description with --semantic.")],
    k: Annotated[int, typer.Option("--k", "-k", min=1, max=1000, help="How many films.")] = 10,
    semantic: Annotated[bool, typer.Option("--semantic", help="By meaning; loads the embedding model.")] = False,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Find films in the store."""
    from indexer.types import EVERYTHING
    from marquee.use_cases import core_in_process

    with core_in_process(store, embedder=semantic) as core:
        found = core.search.find(text, "semantic" if semantic else "title", EVERYTHING, k)
    if found.fallback_reason:
        say(f"by title only: {found.fallback_reason}")
    if as_json:
        result_json([{"id": film.id, "title": film.title, "score": score} for film, score in found.items])
    else:
        table(["ID", "TITLE", "GENRES"], [(film.id, film.title, "|".join(film.genres)) for film, _ in found.items])
