"""The indices: names, mappings, settings; how they are made, swapped and dropped.

Each name that callers see (`movie_index`, `vector_index`, `user_index`, `meta_index`, with a prefix) is an alias over
one physical index. All mappings are strict, and all writes demand the alias, so Elasticsearch never makes an index up.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch, NotFoundError

from indexer.settings import StoreSettings
from indexer.text import TEXT_RECIPE
from indexer.types import VectorSpace
from service_kit.errors import StoreUnavailable, VectorSpaceMismatch

_LEAST_BBQ_DIMENSION = 65  # shorter vectors cannot be kept as single bits
_ABANDONED_S = 24 * 3600  # a hidden index this old belongs to a rebuild that was killed

_GRAPH = {"m": 32, "ef_construction": 200}

_KEYWORD = {"type": "keyword"}
_KEPT = {"index": False, "doc_values": False}  # in the document, of no use for search
_FILTERED = {"movie_id": _KEYWORD, "genres": _KEYWORD, "year": {"type": "long"}}

_MOVIES = {
    **_FILTERED,
    "title": {"type": "keyword", **_KEPT},
    "tags": {"type": "keyword", **_KEPT},
    "imdb_id": {"type": "keyword", **_KEPT},
    "tmdb_id": {"type": "keyword", **_KEPT},
    "keywords": {"type": "keyword", **_KEPT},
    "cast": {"type": "keyword", **_KEPT},
    "director": {"type": "keyword", **_KEPT},
    "overview": {"type": "keyword", **_KEPT},
    "text_hash": {"type": "keyword", **_KEPT},
    "vector_pending": {"type": "boolean"},
    "title_grams": {"type": "text", "analyzer": "whitespace", "index_options": "docs"},
}
_USERS = {
    "user_id": _KEYWORD,
    "movie_id": {"type": "keyword", **_KEPT},
    "ratings": {"type": "double", **_KEPT},
    "timestamps": {"type": "long", **_KEPT},
    "removed_movie_id": {"type": "keyword", **_KEPT},
    "removed_at": {"type": "long", **_KEPT},
    "rating_count": {"type": "integer"},
    "attribute_names": {"type": "keyword", **_KEPT},
    "attribute_values": {"type": "keyword", **_KEPT},
    "attribute_count": {"type": "integer"},
}
PACKED = "packed"  # the vector as the bytes of its float32: read in a tenth of the time that a list of numbers takes
_PACKED = {PACKED: {"type": "binary"}}
_META = {"document": {"type": "keyword", **_KEPT}}  # JSON as text: names of fields in it are not ours


@dataclass(frozen=True)
class Names:
    """The aliases of one prefix."""

    prefix: str

    @property
    def movies(self) -> str:
        return f"{self.prefix}movie_index"

    @property
    def vectors(self) -> str:
        return f"{self.prefix}vector_index"

    @property
    def users(self) -> str:
        return f"{self.prefix}user_index"

    @property
    def meta(self) -> str:
        return f"{self.prefix}meta_index"

    @property
    def all(self) -> tuple[str, ...]:
        return self.movies, self.vectors, self.users, self.meta

    @property
    def patterns(self) -> list[str]:
        return [f"{alias}-*" for alias in self.all]


class Indices:
    def __init__(self, client: Elasticsearch, prefix: str, settings: StoreSettings) -> None:
        self.names = Names(prefix)
        self._client = client
        self._settings = settings
        self._there = False

    def ensure(self) -> None:
        """Make what is missing, once a process; any number of processes may do so at the same time."""
        if self._there:
            return
        self._create(self.names.movies, _MOVIES, {"recipe": TEXT_RECIPE})
        self._add_fields(self.names.movies, _MOVIES)
        self._create(self.names.users, _USERS)
        self._create(self.names.meta, _META)
        if self._client.indices.exists_alias(name=self.names.vectors):  # perhaps from before there was this field
            self._client.indices.put_mapping(index=self.names.vectors, properties=_PACKED)
        self._there = True

    def forget(self) -> None:
        """The indices turned out to be gone: look again at the next write."""
        self._there = False

    def create_vectors(self, space: VectorSpace, films: int) -> None:
        self._create(self.names.vectors, self._vector_fields(space, films), _space_meta(space))

    def vector_space(self, index: str) -> VectorSpace | None:
        meta = self.meta(index)
        return VectorSpace(meta["model"], meta["dimension"], meta["recipe"]) if meta else None

    def meta(self, alias: str) -> Mapping[str, Any] | None:
        """What we noted in the mapping of the index behind the alias; None where there is no index."""
        try:
            mappings = self._client.indices.get_mapping(index=alias)
        except NotFoundError:
            return None
        (mapping,) = mappings.body.values()
        meta: Mapping[str, Any] | None = mapping["mappings"].get("_meta")
        if meta is None:
            raise _not_ours(alias)
        return meta

    def behind(self, alias: str) -> str | None:
        """The physical index that the alias points to now."""
        try:
            (index,) = self._client.indices.get_alias(name=alias).body
        except NotFoundError:
            return None
        return str(index)

    @contextmanager
    def hidden_vectors(self, space: VectorSpace, films: int) -> Iterator[str]:
        """A new index without an alias; dropped again if the block raises."""
        self._drop_abandoned()
        index = f"{self.names.vectors}-{int(time.time())}-{secrets.token_hex(4)}"
        self._client.indices.create(
            index=index,
            settings=self._index_settings(),
            mappings=_mapping(self._vector_fields(space, films), _space_meta(space)),
        )
        try:
            yield index
        except BaseException:
            self._client.options(ignore_status=404).indices.delete(index=index)
            raise

    def swap_vectors(self, index: str) -> str | None:
        """Let the alias point to this index, in one step; what it pointed to before, now to be retired."""
        alias = self.names.vectors
        old = self.behind(alias)
        actions: list[Mapping[str, Any]] = [{"add": {"index": index, "alias": alias}}]
        if old is not None:
            actions.append({"remove": {"index": old, "alias": alias, "must_exist": True}})
        try:
            self._client.indices.update_aliases(actions=actions)
        except NotFoundError:  # one of the two is gone
            raise VectorSpaceMismatch("Another rebuild of the vectors ended first: run this one again.") from None
        return old

    def retire(self, index: str) -> None:
        """Delete an index that has no alias any more, once the searches that had begun in it are over."""
        time.sleep(self._settings.elasticsearch_timeout_s)
        self._client.options(ignore_status=404).indices.delete(index=index)

    def drop(self) -> None:
        """Delete everything of this prefix."""
        for index in self._physical():
            self._client.options(ignore_status=404).indices.delete(index=index)
        self._there = False

    def _create(self, alias: str, fields: Mapping[str, Any], meta: Mapping[str, Any] | None = None) -> None:
        if self._client.indices.exists(index=alias):
            if not self._client.indices.exists_alias(name=alias):
                raise _not_ours(alias)
            return
        index = f"{alias}-0"  # the same name for everybody: only one of several processes makes it
        try:
            self._client.indices.create(
                index=index, settings=self._index_settings(), mappings=_mapping(fields, meta or {})
            )
        except BadRequestError as error:
            if error.error != "resource_already_exists_exception":
                raise
        # The alias comes last, so whoever sees it can use what is behind it.
        self._client.cluster.health(index=index, wait_for_status="yellow")
        self._client.indices.put_alias(index=index, name=alias)

    def _add_fields(self, alias: str, fields: Mapping[str, Any]) -> None:
        """What an index of an earlier version does not have yet."""
        (mapping,) = self._client.indices.get_mapping(index=alias).body.values()
        missing = {name: fields[name] for name in fields.keys() - mapping["mappings"]["properties"].keys()}
        if missing:
            self._client.indices.put_mapping(index=alias, properties=missing)

    def _vector_fields(self, space: VectorSpace, films: int) -> dict[str, Any]:
        return {
            **_FILTERED,
            **_PACKED,
            "text_hash": {"type": "keyword", **_KEPT},
            "movie_embeddings": {
                "type": "dense_vector",
                "dims": space.dimension,
                "index": True,
                "similarity": "cosine",
                "index_options": self._graph(space.dimension, films),
            },
        }

    def _graph(self, dimension: int, films: int) -> dict[str, Any]:
        """docs/decisions/020: full float32 vectors while they fit into memory, bits with rescoring above."""
        if films <= self._settings.elasticsearch_hnsw_films or dimension < _LEAST_BBQ_DIMENSION:
            return {"type": "hnsw", **_GRAPH}
        return {"type": "bbq_hnsw", **_GRAPH, "rescore_vector": {"oversample": 3.0}}

    def _index_settings(self) -> dict[str, Any]:
        return {
            "number_of_shards": self._settings.elasticsearch_shards,
            "auto_expand_replicas": "0-1",  # a copy as soon as there is a second node
            "refresh_interval": "30s",  # writes refresh themselves where a search must see them
        }

    def _physical(self) -> dict[str, Any]:
        return dict(self._client.indices.get_alias(index=self.names.patterns).body)

    def _drop_abandoned(self) -> None:
        found = self._client.indices.get(index=f"{self.names.vectors}-*", features=["aliases", "settings"]).body
        for index, about in found.items():
            age = time.time() - int(about["settings"]["index"]["creation_date"]) / 1000
            if not about["aliases"] and age > _ABANDONED_S:
                self._client.options(ignore_status=404).indices.delete(index=index)


def _not_ours(index: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"Elasticsearch has an index {index} that Marquee did not make: set MARQUEE_ELASTICSEARCH_PREFIX, so that "
        "ours get other names, or delete that one."
    )


def _mapping(fields: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, Any]:
    return {"dynamic": "strict", "_meta": dict(meta), "properties": dict(fields)}


def _space_meta(space: VectorSpace) -> dict[str, Any]:
    return {"model": space.model, "dimension": space.dimension, "recipe": space.recipe}
