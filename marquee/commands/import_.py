"""`marquee import USER FILE`: a person's own history from another service; shown first, written with --commit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marquee.options import Json, Store
from marquee.output import result, result_json, say, table

if TYPE_CHECKING:
    from core_api.imports import Preview, Row

_SHOWN = 20  # rows of each kind; --json has all


def import_(
    user: Annotated[str, typer.Argument(help="Whose history it becomes; made if there is no such user.")],
    file: Annotated[
        Path, typer.Argument(help="Letterboxd (zip, csv), IMDb, Trakt, Jellyfin, Plex, MovieLens or Marquee's own.")
    ],
    commit: Annotated[bool, typer.Option("--commit", help="Write it; without this it is only shown.")] = False,
    choose: Annotated[
        list[str] | None, typer.Option("--choose", metavar="ROW:MOVIE", help="A film for a row in doubt; repeatable.")
    ] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Bring a person's own history along from another service."""
    from core_api.imports import Imports
    from core_api.routes.personal import choices, document
    from core_api.schemas import plain_id
    from core_api.settings import CoreSettings
    from marquee.wiring import opened_stores, read_settings

    try:
        plain_id(user)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    settings = read_settings(CoreSettings)
    data = _read(file, settings.max_import_bytes)
    with opened_stores(store) as stores:
        imports = Imports(stores, time.time, most_rows=settings.max_import_rows)
        preview = imports.preview(user, file.name, data, choices(choose or []))
        preview = imports.commit(user, preview) if commit else preview
    if as_json:
        result_json(document(preview, committed=commit))
    else:
        _show(preview, user, committed=commit)


def _read(file: Path, most: int) -> bytes:
    from indexer.personal.files import ImportFailed

    try:
        if file.stat().st_size > most:
            raise ImportFailed(f"{file} is larger than {most} bytes (MARQUEE_MAX_IMPORT_BYTES)")
        return file.read_bytes()
    except OSError as error:
        raise ImportFailed(f"{file} cannot be read: {error.strerror}") from None


def _show(preview: Preview, user: str, *, committed: bool) -> None:
    for what, rows in (("In doubt", preview.in_doubt()), ("Not found", preview.without_film())):
        if rows:
            say(f"{what}:")
            table(["ROW", "LINE", "TITLE", "YEAR", "WHY"], [_line(row) for row in rows[:_SHOWN]])
            _rest(rows)
    if preview.set_aside:
        say("Set aside:")
        table(["FILE", "LINE", "WHY"], [(row.file, row.line, row.reason) for row in preview.set_aside[:_SHOWN]])
        _rest(preview.set_aside)
    found, new = preview.with_film(), len(preview.to_write())
    counts = (
        f"{preview.source}: {len(found)} films found, {len(preview.in_doubt())} in doubt, "
        f"{len(preview.without_film())} not found, {preview.n_set_aside} rows set aside"
    )
    result(
        f"{counts}; {preview.written} ratings of user {user} written." if committed else f"{counts}; {new} to write."
    )
    if new and not committed:
        say("Nothing is written yet: run it again with --commit.")


def _line(row: Row) -> tuple[object, ...]:
    candidates = ", ".join(f"{film.title} [{film.id}]" for film in row.match.candidates)
    film = row.entry.film
    return row.number, row.entry.line, film.title or "", film.year or "", candidates or row.match.reason


def _rest(rows: Sequence[object]) -> None:
    if len(rows) > _SHOWN:
        say(f"... and {len(rows) - _SHOWN} more (--json lists all)")
