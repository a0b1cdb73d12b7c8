"""`marquee recommend`: what the service would answer, without a service."""

from __future__ import annotations

from typing import Annotated

import typer

from marquee.options import Json, Store
from marquee.output import result_json, say, table


def recommend(
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="A user of the store.")] = None,
    sequence: Annotated[
        str | None,
        typer.Option("--sequence", metavar="ID,ID,...", help="Films liked, oldest first, instead of a user."),
    ] = None,
    avoid: Annotated[
        str | None, typer.Option("--avoid", metavar="ID,ID,...", help="Never these, nor what is like them.")
    ] = None,
    k: Annotated[int, typer.Option("--k", "-k", min=1, max=1000, help="How many films.")] = 10,
    model: Annotated[str | None, typer.Option("--model", help="A model by name, popular or neighbours.")] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Recommend films to a user, or for a few films liked."""
    if (user is None) == (sequence is None):
        raise typer.BadParameter("give either --user ID or --sequence with the ids of films")
    from core_api.wishes import Wish
    from marquee.use_cases import core_in_process

    wish = Wish(k=k, avoid=ids(avoid), model=model)
    with core_in_process(store) as core:
        answer = (
            core.recommend.for_user(user, wish)
            if user is not None
            else core.recommend.for_sequence(ids(sequence), wish)
        )
    if answer.unknown:
        say(f"not in the catalogue: {', '.join(answer.unknown)}")
    if as_json:
        items = [{"id": i.movie.id, "title": i.movie.title, "score": i.score} for i in answer.items]
        keys = {"strategy": answer.strategy, "model": answer.model, "fallback_reason": answer.fallback_reason}
        result_json({"items": items, **keys, "history_length": answer.history_length})
        return
    because = f" ({answer.fallback_reason})" if answer.fallback_reason else ""
    say(f"by {answer.model or answer.strategy}{because}, from {answer.history_length} ratings")
    rows = [
        (place, i.movie.id, i.movie.title, "|".join(i.movie.genres)) for place, i in enumerate(answer.items, start=1)
    ]
    table(["", "ID", "TITLE", "GENRES"], rows)


def ids(text: str | None) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in (text or "").split(","))))
