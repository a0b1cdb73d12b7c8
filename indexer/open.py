"""Picks the store by the scheme of its URL. The only place that knows which stores there are."""

from __future__ import annotations

from pathlib import Path

from indexer.ports import Stores
from indexer.settings import StoreSettings
from service_kit.errors import InvalidRequest

_SQLITE = "sqlite:///"


def open_stores(url: str, settings: StoreSettings | None = None, *, prefix: str = "") -> Stores:
    """The stores behind `url`, created there if it is new. Close them when done.

    `sqlite:///marquee.db` is a file below the working directory, `sqlite:////data/marquee.db` an absolute path;
    `http(s)://host:9200` is Elasticsearch, where `prefix` goes before the index names. Raises `InvalidRequest` for
    a URL that is neither and `StoreUnavailable` when the place cannot be used.
    """
    settings = settings or StoreSettings()
    if url.startswith(("http://", "https://")):
        from indexer.elasticsearch_store import open_elasticsearch  # its client is imported by those who use it

        return open_elasticsearch(url, settings, prefix)
    path = url.removeprefix(_SQLITE)
    if path == url or path in ("", ":memory:"):
        raise InvalidRequest(
            f"The store URL {url!r} is of no known kind: use sqlite:///marquee.db (a file) or http://localhost:9200 "
            "(Elasticsearch)."
        )
    from indexer.sqlite_store import open_sqlite

    return open_sqlite(Path(path).expanduser(), settings)
