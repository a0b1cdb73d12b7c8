"""A person's own export from another service -> entries about films -> films of the catalogue.

`read_export` recognises Letterboxd, IMDb, Trakt, Jellyfin, Plex, MovieLens and our own files by what is in them;
`match` finds their films in the catalogue. What is then written is the business of `core_api.imports`.
"""

from indexer.personal.entries import Entry, Export, FilmReference
from indexer.personal.match import Match, match
from indexer.personal.recognise import read_export

__all__ = ["Entry", "Export", "FilmReference", "Match", "match", "read_export"]
