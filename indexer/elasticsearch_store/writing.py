"""Writing: what was written, what conflicted with another writer, what Elasticsearch refused, item by item."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, cast

from elasticsearch import Elasticsearch, NotFoundError, helpers

from indexer.elasticsearch_store.indices import Indices
from indexer.elasticsearch_store.reading import Document
from indexer.types import Failure
from service_kit.deadline import remaining
from service_kit.errors import StoreUnavailable

Action = dict[str, Any]
_Results = Generator[tuple[bool, Document], None, None]

MOST_ATTEMPTS = 100  # at writing a document that others keep changing
_ITEMS_A_CALL = 1_000
_BYTES_A_CALL = 8 * 2**20
_PATIENCE = 3  # times that a bulk load, but no request, tries again what an overloaded node turned away


@dataclass
class Outcome:
    written: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)  # somebody else was faster: read again
    failures: list[Failure] = field(default_factory=list)


class Writer:
    def __init__(self, client: Elasticsearch, indices: Indices) -> None:
        self.client = client
        self.indices = indices
        self.names = indices.names

    def bulk(self, actions: Iterable[Action], *, through_alias: bool = True) -> Outcome:
        """Send the actions (`_op_type`, `_index`, `_id`, ...) in order. Raises StoreUnavailable if the store is
        overloaded or an index is gone; everything else is told per item. Only a hidden index is not written through
        its alias."""
        outcome = Outcome()
        in_a_request = remaining(math.inf) < math.inf
        results = helpers.streaming_bulk(
            self.client,
            actions,
            chunk_size=_ITEMS_A_CALL,
            max_chunk_bytes=_BYTES_A_CALL,
            raise_on_error=False,
            max_retries=0 if in_a_request else _PATIENCE,
            initial_backoff=0.5,
            require_alias=through_alias,
        )
        with closing(
            cast(_Results, results)
        ):  # here, not whenever it is collected: its telemetry ends in this thread only
            for _, result in results:
                ((operation, item),) = result.items()
                if (item.get("error") or {}).get("type") == "index_not_found_exception":
                    raise self._gone(item["_index"])
                _sort(outcome, operation, item)
        return outcome

    def index(self, alias: str, identifier: str, document: Document, **guard: Any) -> None:
        """One document. Raises `elasticsearch.ConflictError` if the guard says that somebody else was faster."""
        try:
            self.client.index(index=alias, id=identifier, document=document, require_alias=True, **guard)
        except NotFoundError:
            raise self._gone(alias) from None

    def refresh(self, *indices: str) -> None:
        """Let searches see what was written."""
        self.client.indices.refresh(index=indices, ignore_unavailable=True)

    def _gone(self, index: str) -> StoreUnavailable:
        """Somebody deleted an index that was there when this process started."""
        self.indices.forget()
        return StoreUnavailable(f"The index {index} is gone: try again, it is made anew.")


def _sort(outcome: Outcome, operation: str, item: Document) -> None:
    status, identifier = item["status"], item["_id"]
    error = item.get("error") or {}
    kind = error.get("type")
    if status < 300:
        outcome.written.append(identifier)
    elif status == 409:
        outcome.conflicts.append(identifier)
    elif status == 429 or status >= 500:
        raise StoreUnavailable(f"Elasticsearch cannot write now ({status}, {kind}): try again in a moment.")
    elif status != 404 or operation not in ("update", "delete"):  # what is gone needs neither
        outcome.failures.append(Failure(identifier, _reason(error)))


def _reason(error: Mapping[str, Any]) -> str:
    """The innermost reason: the outer ones say only that parsing failed."""
    while isinstance(error.get("caused_by"), dict):
        error = error["caused_by"]
    return f"{error.get('type')}: {error.get('reason')}"[:500]


def guarded(hit: Document) -> dict[str, Any]:
    """What makes a write of this document fail if anybody changed it since it was read."""
    return {"if_seq_no": hit["_seq_no"], "if_primary_term": hit["_primary_term"]}
