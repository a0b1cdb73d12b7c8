"""JSON exports, told apart by their shape: Trakt's lists, saved answers of a Jellyfin, Emby or Plex server, our own.

Nothing of these servers is called: a person saves the file, so no address and no token is ever needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from indexer.personal import values
from indexer.personal.entries import (
    NO_FILM,
    NOT_A_FILM,
    NOT_AN_ENTRY,
    NOT_SEEN,
    Entry,
    Export,
    FilmReference,
    Kind,
    NotAnEntry,
)
from indexer.personal.files import ImportFailed

Read = tuple[FilmReference, Kind, float | None, int | None]
Item = Mapping[str, Any]


def read_json(file: str, content: str, export: Export) -> bool:
    """Add the file's entries to the export; False if it is no format that we know."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ImportFailed(f"{file} is damaged JSON ({error}): get the export again") from None
    found = _format_of(document)
    if found is None:
        return False
    source, items, read = found
    export.source = export.source or source
    for number, item in enumerate(items, 1):
        try:
            if not isinstance(item, dict):
                raise NotAnEntry(NOT_AN_ENTRY)
            film, kind, rating, at = read(item)
            if film.title is None and film.imdb_id is None and film.tmdb_id is None and film.movie_id is None:
                raise NotAnEntry(NO_FILM)
            export.entries.append(Entry(file, number, film, kind, rating, at))
        except NotAnEntry as problem:
            export.report.add(file, number, str(problem), json.dumps(item, ensure_ascii=False))
    return True


def _format_of(document: Any) -> tuple[str, list[Any], Callable[[Item], Read]] | None:
    items = _list(document)
    if items is not None and any(isinstance(_object(item, "movie"), dict) for item in items):
        return "trakt", items, _trakt
    if items is not None and any("episode" in item or "show" in item for item in items if isinstance(item, dict)):
        return "trakt", items, _trakt  # nothing but series: each row says so
    if isinstance(document, dict) and "marquee_export" in document:
        return "marquee", _list(document.get("ratings")) or [], _own
    plex = _list(_object(_object(document, "MediaContainer"), "Metadata"))
    if plex is not None:
        return "plex", plex, _plex
    jellyfin = items if items is not None else _list(_object(document, "Items"))
    if jellyfin is not None and any(isinstance(_object(item, "UserData"), dict) for item in jellyfin):
        return "jellyfin", jellyfin, _jellyfin
    return None


def _trakt(item: Item) -> Read:
    if "movie" not in item:
        raise NotAnEntry(NOT_A_FILM)
    movie, ids = _object(item, "movie"), _object(_object(item, "movie"), "ids")
    film = FilmReference(
        values.text(_object(movie, "title")),
        values.year(_object(movie, "year")),
        values.imdb_id(_object(ids, "imdb")),
        values.whole_id(_object(ids, "tmdb")),
    )
    given = values.rating(item.get("rating"), 10.0, 1.0)
    if given is not None:
        return film, "rated", given, values.seconds(item.get("rated_at"))
    seen = item.get("watched_at") or item.get("last_watched_at")
    if seen is None and not item.get("plays"):
        raise NotAnEntry(NOT_SEEN)
    return film, "watched", None, values.seconds(seen)


def _jellyfin(item: Item) -> Read:
    if item.get("Type", "Movie") != "Movie":
        raise NotAnEntry(NOT_A_FILM)
    ids, user = _object(item, "ProviderIds"), _object(item, "UserData")
    film = FilmReference(
        values.text(item.get("Name")),
        values.year(item.get("ProductionYear")),
        values.imdb_id(_object(ids, "Imdb")),
        values.whole_id(_object(ids, "Tmdb")),
    )
    at = values.seconds(_object(user, "LastPlayedDate"))
    given = values.rating(_object(user, "Rating"), 10.0)
    if given is not None:
        return film, "rated", given, at
    if _object(user, "IsFavorite") is True:
        return film, "liked", None, at
    if _object(user, "Played") is True:
        return film, "watched", None, at
    raise NotAnEntry(NOT_SEEN)


def _plex(item: Item) -> Read:
    if item.get("type", "movie") != "movie":
        raise NotAnEntry(NOT_A_FILM)
    guids = " ".join(str(_object(guid, "id")) for guid in _list(item.get("Guid")) or [])
    ids = dict(part.split("://", 1) for part in guids.split() if "://" in part)
    film = FilmReference(
        values.text(item.get("title")),
        values.year(item.get("year")),
        values.imdb_id(ids.get("imdb")),
        values.whole_id(ids.get("tmdb")),
    )
    at = values.seconds(item.get("lastRatedAt")) or values.seconds(item.get("lastViewedAt"))
    given = values.rating(item.get("userRating"), 10.0)
    if given is not None:
        return film, "rated", given, at
    if item.get("viewCount"):
        return film, "watched", None, at
    raise NotAnEntry(NOT_SEEN)


def _own(item: Item) -> Read:
    film = FilmReference(
        values.text(item.get("title")),
        values.year(item.get("year")),
        values.imdb_id(item.get("imdb_id")),
        values.whole_id(item.get("tmdb_id")),
        values.text(item.get("movie_id")),
    )
    given = values.rating(item.get("rating"), 5.0)
    return film, "watched" if given is None else "rated", given, values.seconds(item.get("timestamp"))


def _object(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _list(value: Any) -> list[Any] | None:
    return value if isinstance(value, list) else None
