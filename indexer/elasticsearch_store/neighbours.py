"""kNN: which searches are made so that the k best come back, filters, exclusions and ties included.

A few excluded films are fetched and dropped; more of them become part of the filter, so that the search stays as small
as without. A filter that lets few films pass is searched exactly: with at least as many candidates as films that match,
Elasticsearch compares them all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from indexer.elasticsearch_store.reading import EVERY_DOCUMENT, MOST_HITS, Query, passes, search, total
from indexer.types import MovieFilter, Scored

_LEAST_CANDIDATES = 400  # docs/decisions/020: recall 0.998 and more
_EXACT_UP_TO = 2_000  # films that match: comparing them all takes a few milliseconds
_MOST_DROPPED = 100  # excluded films fetched for nothing: each costs two candidates for every query
_DECIMALS = 6  # float32 cosines mean nothing beyond


def nearest(
    client: Elasticsearch,
    index: str,
    field: str,
    queries: np.ndarray,
    k: int,
    where: MovieFilter,
    exclude: set[str],
) -> list[Scored]:
    """The k films nearest to any of the queries (Q, D), best first, ties by id, each with its best cosine."""
    k = min(k, MOST_HITS)
    if len(exclude) > min(_MOST_DROPPED, MOST_HITS - k):
        return _search(client, index, field, queries, k, passes(where, sorted(exclude)), narrow=not where.empty)
    found = _search(client, index, field, queries, k + len(exclude), passes(where), narrow=not where.empty)
    return [scored for scored in found if scored.id not in exclude][:k]


def _search(
    client: Elasticsearch,
    index: str,
    field: str,
    queries: np.ndarray,
    k: int,
    allowed: Query | None,
    *,
    narrow: bool,
) -> list[Scored]:
    """The k nearest of the allowed films; fewer only if fewer match. `narrow`: perhaps few do."""
    candidates = max(_LEAST_CANDIDATES, 2 * k)
    if narrow:
        matching = total(client, index, allowed or EVERY_DOCUMENT, up_to=_EXACT_UP_TO + 1)
        if matching <= _EXACT_UP_TO:
            candidates = max(candidates, matching)
    found = _once(client, index, field, queries, k, allowed, min(candidates, MOST_HITS))
    if len(found) < k and candidates < MOST_HITS and total(client, index, allowed or EVERY_DOCUMENT) > len(found):
        found = _once(client, index, field, queries, k, allowed, MOST_HITS)  # the graph led to too few: look further
    return found


def _once(
    client: Elasticsearch, index: str, field: str, queries: np.ndarray, k: int, allowed: Query | None, candidates: int
) -> list[Scored]:
    answer = search(
        client,
        index,
        query={"dis_max": {"queries": [_knn(field, query, candidates, allowed) for query in queries]}},
        size=k,
        sort=[{"_score": "desc"}, {"movie_id": "asc"}],
        source=False,
        track_total_hits=False,
    )
    found = [Scored(hit["_id"], _cosine(hit["sort"][0])) for hit in answer["hits"]["hits"]]
    return sorted(found, key=lambda scored: (-scored.score, scored.id))


def _knn(field: str, query: np.ndarray, candidates: int, allowed: Query | None) -> Query:
    knn: dict[str, Any] = {
        "field": field,
        "query_vector": query.tolist(),
        "k": candidates,  # all of them, so that ties at the edge are cut by id and not by chance
        "num_candidates": candidates,
    }
    if allowed is not None:
        knn["filter"] = allowed
    return {"knn": knn}


def _cosine(score: float) -> float:
    """Elasticsearch's score of a cosine is (1 + cosine) / 2."""
    return round(min(1.0, max(-1.0, 2.0 * score - 1.0)), _DECIMALS)
