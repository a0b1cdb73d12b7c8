"""The Elasticsearch store keeps the contract on a real server; what only Elasticsearch can promise is below it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
from elasticsearch import Elasticsearch, helpers

from indexer.elasticsearch_store import ElasticsearchStores, open_elasticsearch
from indexer.ports import Stores
from indexer.settings import StoreSettings
from tests.support.store_contract import StoreContract


@pytest.fixture(scope="module")
def client(elasticsearch_url: str) -> Iterator[Elasticsearch]:
    with Elasticsearch(elasticsearch_url) as client:
        yield client


@pytest.fixture(scope="module")
def prefix(elasticsearch_url: str) -> Iterator[str]:
    """One set of indices for this file: emptying them between tests is ten times faster than making new ones."""
    prefix = f"test-{uuid.uuid4().hex[:12]}-"
    yield prefix
    stores = open_elasticsearch(elasticsearch_url, StoreSettings(), prefix)
    assert isinstance(stores, ElasticsearchStores)
    stores.drop()
    stores.close()


@pytest.fixture
def reopen(elasticsearch_url: str, client: Elasticsearch, prefix: str) -> Iterator[Callable[..., Stores]]:
    opened: list[Stores] = []

    def again(**settings: object) -> Stores:
        opened.append(open_elasticsearch(elasticsearch_url, StoreSettings.model_validate(settings), prefix))
        return opened[-1]

    yield again
    empty(client, prefix)
    for stores in opened:
        stores.close()


@pytest.fixture
def stores(reopen: Callable[..., Stores]) -> Stores:
    return reopen()


def empty(client: Elasticsearch, prefix: str) -> None:
    there = client.indices.get_alias(index=f"{prefix}*").body
    for index in there:
        if index.startswith(f"{prefix}vector_index"):
            client.indices.delete(index=index)
    kept = [index for index in there if not index.startswith(f"{prefix}vector_index")]
    if kept:
        client.indices.refresh(index=kept)
        documents = helpers.scan(client, index=",".join(kept), size=1000, _source=False)
        deletions = ({"_op_type": "delete", "_index": hit["_index"], "_id": hit["_id"]} for hit in documents)
        helpers.bulk(client, deletions, refresh=True)


class TestElasticsearch(StoreContract):
    pass
