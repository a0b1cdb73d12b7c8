"""The Elasticsearch store. Made by `indexer.open_stores`; everything else sees `indexer.ports`.

`connection` is the way to the cluster, `indices` names and mappings, `reading` and `writing` what all share; `movies`,
`vectors` (with `neighbours` for kNN) and `users` keep one port each; `settling` keeps films and vectors in step.
The client library is imported here and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from elasticsearch import Elasticsearch

from indexer.elasticsearch_store.connection import connect
from indexer.elasticsearch_store.indices import Indices
from indexer.elasticsearch_store.movies import ElasticsearchMovies
from indexer.elasticsearch_store.reading import one
from indexer.elasticsearch_store.users import ElasticsearchUsers
from indexer.elasticsearch_store.vectors import ElasticsearchVectors
from indexer.elasticsearch_store.writing import Writer
from indexer.ports import MetaStore, MovieStore, Stores, UserStore, VectorStore
from indexer.settings import StoreSettings
from service_kit.errors import InvalidRequest, StoreUnavailable

__all__ = ["ElasticsearchStores", "open_elasticsearch"]

_PREFIX = re.compile(r"([a-z0-9][a-z0-9_.-]{0,99})?")


def open_elasticsearch(url: str, settings: StoreSettings, prefix: str = "") -> Stores:
    """The stores in this cluster. Nothing is asked of it yet, so a service starts while it is down; the indices are
    made by the first write. Raises `InvalidRequest` for a URL or prefix that cannot be right."""
    prefix = prefix or settings.elasticsearch_prefix
    if not _PREFIX.fullmatch(prefix):
        raise InvalidRequest(
            f"The index prefix {prefix!r} is not one: use lower-case letters, digits, '-', '_' and '.', up to 100."
        )
    return ElasticsearchStores(connect(url, settings), settings, prefix)


class ElasticsearchStores:
    def __init__(self, client: Elasticsearch, settings: StoreSettings, prefix: str) -> None:
        self.client = client
        self.prefix = prefix
        self._seen: set[str] = set()  # aliases that a check has found: without a film yet there are none
        self._patience_s = settings.elasticsearch_timeout_s
        self._indices = Indices(client, prefix, settings)
        writer = Writer(client, self._indices)
        self.movies: MovieStore = ElasticsearchMovies(writer)
        self.vectors: VectorStore = ElasticsearchVectors(writer)
        self.users: UserStore = ElasticsearchUsers(writer, settings.longest_history)
        self.meta: MetaStore = ElasticsearchMeta(writer)

    def check(self) -> None:
        # Health, since `GET /` is not allowed everywhere; of our indices, since others may share the cluster.
        client = self.client.options(request_timeout=self._patience_s)
        health = client.cluster.health(index=self._indices.names.patterns, level="indices")
        if health["status"] == "red":
            raise StoreUnavailable("Elasticsearch answers, but a part of the indices is missing: look at its health.")
        there = {alias for alias in self._indices.names.all for index in health["indices"] if _is_of(index, alias)}
        if gone := sorted(self._seen - there):
            raise StoreUnavailable(f"The index {gone[0]} is gone: restore a snapshot of it, or load again.")
        self._seen = there

    def version(self) -> str | None:
        """Identity and number of operations of each index: every write is one, by whomever."""
        stats = self.client.indices.stats(
            index=[pattern for pattern in self._indices.names.patterns if pattern != f"{self._indices.names.users}-*"],
            metric="docs",
            level="shards",
            filter_path="indices.*.uuid,indices.*.shards.*.routing.primary,indices.*.shards.*.seq_no.max_seq_no",
        ).body.get("indices", {})
        return ",".join(sorted(f"{index['uuid']}:{_operations(index['shards'])}" for index in stats.values()))

    def create_indices(self) -> None:
        """Make the indices now rather than at the first write."""
        self._indices.ensure()

    def drop(self) -> None:
        """Delete all indices of this prefix, and everything in them."""
        self._indices.drop()
        self._seen = set()

    def close(self) -> None:
        self.client.close()


class ElasticsearchMeta:
    """Named JSON documents, kept as they are."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._index = writer.names.meta

    def read(self, name: str) -> dict[str, Any] | None:
        hit = one(self._writer.client, self._index, name)
        document: dict[str, Any] | None = json.loads(hit["_source"]["document"]) if hit else None
        return document

    def write(self, name: str, document: Mapping[str, Any]) -> None:
        self._writer.indices.ensure()
        self._writer.index(self._index, name, {"document": json.dumps(dict(document), allow_nan=False)})


def _is_of(index: str, alias: str) -> bool:
    """Whether this physical index is one that the alias may point to."""
    return index.startswith(f"{alias}-")


def _operations(shards: Mapping[str, Any]) -> int:
    """Of the primary shards, the number of the latest operation."""
    copies = (copy for shard in shards.values() for copy in shard)
    return sum(copy["seq_no"]["max_seq_no"] for copy in copies if copy["routing"]["primary"])
