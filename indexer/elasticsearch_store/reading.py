"""Reading: documents by id (realtime, so they see every finished write) and searches page by page.

A missing index reads as empty; a shard that does not answer is an error, never a shorter answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from indexer.batches import batches
from indexer.checks import id_problem
from indexer.types import MovieFilter
from service_kit.errors import StoreUnavailable

Document = Mapping[str, Any]
Query = Mapping[str, Any]

IDS_A_CALL = 1_000
MOST_HITS = 10_000  # Elasticsearch's limit on a page, on k and on num_candidates
EVERY_DOCUMENT: Query = {"match_all": {}}
_KEEP_ALIVE = "5m"  # of a scan, from page to page: whoever iterates may embed between two of them


def by_id(client: Elasticsearch, index: str, ids: Iterable[str], **source: Any) -> dict[str, Document]:
    """The hits (`_source`, `_seq_no`, `_primary_term`) of those ids that exist."""
    found: dict[str, Document] = {}
    for some in batches((i for i in ids if id_problem(i) is None), IDS_A_CALL):
        found.update((hit["_id"], hit) for hit in present(client.mget(index=index, ids=some, **source).body["docs"]))
    return found


def present(hits: Iterable[Document]) -> Iterator[Document]:
    """Those of a multi-get's answers that are documents."""
    for hit in hits:
        error = hit.get("error", {}).get("type")
        if error not in (None, "index_not_found_exception"):
            raise StoreUnavailable(f"Elasticsearch could not read from {hit['_index']} ({error}): try again.")
        if hit.get("found"):
            yield hit


def one(client: Elasticsearch, index: str, identifier: str, **source: Any) -> Document | None:
    if id_problem(identifier) is not None:
        return None
    try:
        hit: Document = client.get(index=index, id=identifier, **source).body
    except NotFoundError:
        return None
    return hit


def search(client: Elasticsearch, index: str, **body: Any) -> Document:
    answer: Document = client.search(
        index=index, ignore_unavailable=True, allow_partial_search_results=False, **body
    ).body
    return answer


def total(client: Elasticsearch, index: str, query: Query = EVERY_DOCUMENT, up_to: int | None = None) -> int:
    """How many documents match; beyond `up_to` nobody counts on."""
    track = True if up_to is None else up_to
    answer = search(client, index, query=query, size=0, track_total_hits=track)
    return int(answer["hits"]["total"]["value"])


def scan(
    client: Elasticsearch, index: str, key: str, *, page: int, query: Query = EVERY_DOCUMENT, source: Any = True
) -> Iterator[Document]:
    """The `_source` of every match as of now, ascending by `key`, whatever is written while somebody iterates."""
    try:
        client.indices.refresh(index=index)
        point = client.open_point_in_time(index=index, keep_alive=_KEEP_ALIVE)["id"]
    except NotFoundError:
        return
    after: Sequence[Any] | None = None
    try:
        while True:
            answer = client.search(
                pit={"id": point, "keep_alive": _KEEP_ALIVE},
                size=page,
                query=query,
                sort=[{key: "asc"}],
                search_after=after,
                source=source,
                track_total_hits=False,
                allow_partial_search_results=False,
            ).body
            point = answer["pit_id"]
            hits = answer["hits"]["hits"]
            yield from (hit["_source"] for hit in hits)
            if len(hits) < page:
                return
            after = hits[-1]["sort"]
    finally:
        client.options(ignore_status=404).close_point_in_time(id=point)


def passes(where: MovieFilter, exclude: Sequence[str] = ()) -> Query | None:
    """The filter on films as a query; None lets everything pass."""
    must: list[Query] = []
    must_not: list[Query] = []
    if where.genres:
        must.append({"terms": {"genres": sorted(where.genres)}})
    if where.year_from is not None or where.year_to is not None:
        bounds = {"gte": where.year_from, "lte": where.year_to}
        must.append({"range": {"year": {name: _long(bound) for name, bound in bounds.items() if bound is not None}}})
    if where.exclude_genres:
        must_not.append({"terms": {"genres": sorted(where.exclude_genres)}})
    must_not += [{"terms": {"movie_id": some}} for some in batches(exclude, MOST_HITS)]
    if not must and not must_not:
        return None
    return {"bool": {"filter": must, "must_not": must_not}}


def _long(number: int) -> int:
    """The nearest number that a field of 64 bits can be compared with."""
    return max(-(2**63), min(number, 2**63 - 1))
