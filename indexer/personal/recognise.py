"""Whose export a file is, told by what is in it; and reading it whole."""

from __future__ import annotations

import re

from indexer.datasets.settings import DatasetSettings
from indexer.personal.csv_formats import read_csv
from indexer.personal.entries import Export
from indexer.personal.files import ImportFailed, texts
from indexer.personal.json_formats import read_json

_NO_HISTORY = re.compile(r"(^|/)((deleted|orphaned|lists)/.*|comments|profile)\.csv$")  # in Letterboxd's archive


def read_export(name: str, data: bytes, settings: DatasetSettings) -> Export:
    """The entries of a zip, csv or json file, of an archive those of all its files.

    Raises ImportFailed when nothing in it is known. A bad row is set aside in the report, with its line.
    """
    export, known = Export(""), False
    for file, content in sorted(texts(name, data, settings).items()):
        if _NO_HISTORY.search(file):
            continue
        read = read_json if content.lstrip()[:1] in ("{", "[") else read_csv
        known = read(file, content, export) or known
    if not known:
        raise ImportFailed(
            f"{name} is no export that Marquee knows: it takes Letterboxd (zip or csv), IMDb ratings (csv), Trakt (zip "
            "or json), Jellyfin and Plex (saved json), MovieLens (csv) and its own; see docs/importing.md"
        )
    return export
