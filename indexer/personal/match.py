"""Entries' films -> films of the catalogue: by an id of IMDb, TMDB or MovieLens, else by title and year.

One pass over the catalogue finds all that could be meant, so memory is bounded by the file and not by the catalogue.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from indexer.folding import fold_title
from indexer.personal.entries import FilmReference
from indexer.titles import names
from indexer.types import Movie


@dataclass(frozen=True, slots=True)
class Match:
    """The film that is meant; or those that may be meant; or neither, and why."""

    movie: Movie | None = None
    by: str = ""  # "IMDb id", "TMDB id", "MovieLens id", "title and year", "title"
    candidates: tuple[Movie, ...] = ()
    reason: str = ""


def match(films: Sequence[FilmReference], catalogue: Iterable[Movie]) -> list[Match]:
    """One match a reference, in their order."""
    index = _Index(films)
    for movie in catalogue:
        index.add(movie)
    return [index.find(film) for film in films]


class _Index:
    """The films of the catalogue that any of the references could mean."""

    def __init__(self, films: Sequence[FilmReference]) -> None:
        self._wanted_ids = {id for film in films for id in (film.imdb_id, film.tmdb_id, film.movie_id) if id}
        self._wanted_names = {_key(film.title) for film in films if film.title}
        self._by_id: dict[tuple[str, str], Movie] = {}
        self._by_name: dict[str, list[Movie]] = defaultdict(list)

    def add(self, movie: Movie) -> None:
        for what, id in (("imdb", movie.imdb_id), ("tmdb", movie.tmdb_id), ("own", movie.id)):
            if id in self._wanted_ids:
                self._by_id.setdefault((what, id or ""), movie)
        for name in set(names(movie.title.replace("&", " and "))) & self._wanted_names:
            self._by_name[name].append(movie)

    def find(self, film: FilmReference) -> Match:
        named = [movie for movie in self._by_name.get(_key(film.title), ()) if not _contradict(film, movie)]
        for what, by, id in (("imdb", "IMDb id", film.imdb_id), ("tmdb", "TMDB id", film.tmdb_id)):
            if id and (what, id) in self._by_id:
                return Match(self._by_id[what, id], by)
        own = self._by_id.get(("own", film.movie_id or ""))
        if own is not None and (film.title is None or own in named):  # ids of another catalogue mean other films
            return Match(own, "MovieLens id")
        if film.title is None:
            return Match(reason="its id is not in the catalogue")
        return _by_title(film, named)


def _by_title(film: FilmReference, named: Sequence[Movie]) -> Match:
    if not named:
        return Match(reason="no film of that title is in the catalogue")
    if film.year is None:
        return Match(named[0], "title") if len(named) == 1 else Match(candidates=tuple(named))
    for most in (0, 1):  # services date some films by their first festival
        near = [movie for movie in named if movie.year is not None and abs(movie.year - film.year) <= most]
        if near:
            return Match(near[0], "title and year") if len(near) == 1 else Match(candidates=tuple(near))
    undated = [movie for movie in named if movie.year is None]
    if undated:
        return Match(candidates=tuple(undated))
    years = ", ".join(sorted({str(movie.year) for movie in named}))
    return Match(reason=f"the catalogue has a film of that title, but of {years}")


def _contradict(film: FilmReference, movie: Movie) -> bool:
    """Same title, but the ids say that it is another film."""
    imdb = film.imdb_id is not None and movie.imdb_id is not None and film.imdb_id != movie.imdb_id
    tmdb = film.tmdb_id is not None and movie.tmdb_id is not None and film.tmdb_id != movie.tmdb_id
    return imdb or tmdb


def _key(title: str | None) -> str:
    return fold_title((title or "").replace("&", " and "))
