"""The Elasticsearch store keeps the contract on a real server; what only Elasticsearch can promise is below it."""

from __future__ import annotations

import inspect
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from elasticsearch import BadRequestError, Elasticsearch, helpers

from indexer.elasticsearch_store import ElasticsearchStores, open_elasticsearch
from indexer.elasticsearch_store.connection import connect
from indexer.elasticsearch_store.indices import Indices
from indexer.ports import Stores
from indexer.settings import StoreSettings
from indexer.text import text_hash
from indexer.types import Movie, MovieFilter, MovieVector, Rating, User, VectorSpace
from service_kit.context import request_id
from service_kit.errors import InvalidRequest, StoreUnavailable, VectorSpaceMismatch
from tests.support.store_contract import StoreContract
from tests.support.store_contract.films import FILMS, HEAT, OTHER_SPACE, SPACE, UP, at, row_of_films, vector


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
        settings = {"elasticsearch_timeout_s": 0.75, **settings}  # a rebuild waits that long before it deletes
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


def fill(stores: Stores) -> None:
    stores.movies.put(FILMS)
    stores.vectors.create(SPACE)
    stores.vectors.put([vector(HEAT, 0), vector(UP, 90)])
    stores.users.merge("18", [Rating("6", 4.5, 7)])


class TestIndices:
    def test_unknown_fields_are_refused_everywhere(self, stores: Stores, client: Elasticsearch, prefix: str) -> None:
        fill(stores)
        for name in ("movie_index", "vector_index", "user_index", "meta_index"):
            with pytest.raises(BadRequestError, match="strict_dynamic_mapping"):
                client.index(index=f"{prefix}{name}", document={"surprise": 1})

    def test_arrays_of_a_user_are_kept_but_not_indexed(
        self, stores: Stores, client: Elasticsearch, prefix: str
    ) -> None:
        fill(stores)
        (index,) = client.indices.get_mapping(index=f"{prefix}user_index").body.values()
        fields = index["mappings"]["properties"]
        for name in ("movie_id", "ratings", "timestamps"):
            assert (fields[name]["index"], fields[name]["doc_values"]) == (False, False)
        document = client.get(index=f"{prefix}user_index", id="18")["_source"]
        assert (document["movie_id"], document["ratings"], document["timestamps"]) == (["6"], [4.5], [7])

    @pytest.mark.parametrize(
        ("dimension", "films", "kind"), [(384, 100, "hnsw"), (384, 101, "bbq_hnsw"), (64, 101, "hnsw")]
    )
    def test_a_large_catalogue_is_compressed_unless_its_vectors_are_short(
        self, elasticsearch_url: str, client: Elasticsearch, prefix: str, dimension: int, films: int, kind: str
    ) -> None:
        settings = StoreSettings(elasticsearch_hnsw_films=100)
        with connect(elasticsearch_url, settings) as own:
            Indices(own, prefix, settings).create_vectors(VectorSpace("m", dimension, 1), films)
        (index,) = client.indices.get_mapping(index=f"{prefix}vector_index").body.values()
        assert index["mappings"]["properties"]["movie_embeddings"]["index_options"]["type"] == kind
        empty(client, prefix)

    def test_any_number_of_processes_may_make_them_at_once(self, elasticsearch_url: str, client: Elasticsearch) -> None:
        prefix = f"race-{uuid.uuid4().hex[:12]}-"
        opened = [open_elasticsearch(elasticsearch_url, StoreSettings(), prefix) for _ in range(8)]
        start = threading.Barrier(len(opened))

        def first_write(number: int) -> None:
            start.wait()
            opened[number].movies.put([Movie(str(number), "A film")])
            opened[number].vectors.create(SPACE)
            opened[number].users.merge("u", [Rating(str(number), 3.0, number)])

        try:
            with ThreadPoolExecutor(len(opened)) as pool:
                list(pool.map(first_write, range(len(opened))))
            assert opened[0].movies.count() == len(opened)
            assert len(opened[0].users.history("u")) == len(opened)
            aliases = client.indices.get_alias(index=f"{prefix}*").body
            assert sorted(name for about in aliases.values() for name in about["aliases"]) == sorted(
                f"{prefix}{name}" for name in ("movie_index", "vector_index", "user_index", "meta_index")
            )
        finally:
            assert isinstance(opened[0], ElasticsearchStores)
            opened[0].drop()
            for stores in opened:
                stores.close()

    def test_indices_that_vanish_are_reported_once_and_made_anew_never_guessed(
        self, elasticsearch_url: str, client: Elasticsearch
    ) -> None:
        stores = open_elasticsearch(elasticsearch_url, StoreSettings(), f"gone-{uuid.uuid4().hex[:12]}-")
        assert isinstance(stores, ElasticsearchStores)
        fill(stores)
        stores.drop()
        stores.create_indices()
        for index in client.indices.get_alias(index=[f"{stores.prefix}movie_index", f"{stores.prefix}user_index"]).body:
            client.indices.delete(index=index)
        assert stores.movies.get(["6"]) == {}
        assert stores.users.history("18").movie_ids == ()
        with pytest.raises(StoreUnavailable, match="gone"):
            stores.movies.put([HEAT])
        stores.movies.put([HEAT])
        assert stores.movies.get(["6"]) == {"6": HEAT}
        for index in client.indices.get_alias(index=f"{stores.prefix}user_index").body:
            client.indices.delete(index=index)
        with pytest.raises(StoreUnavailable, match="gone"):
            stores.users.merge("18", [Rating("6", 1.0, 1)])
        assert stores.users.merge("18", [Rating("6", 1.0, 1)]).movie_ids == ("6",)
        stores.drop()
        stores.close()

    def test_a_write_that_is_given_up_is_ended_by_the_thread_that_began_it(
        self, elasticsearch_url: str, client: Elasticsearch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun = []
        bulk = helpers.streaming_bulk
        monkeypatch.setattr(
            helpers, "streaming_bulk", lambda *a, **options: begun.append(bulk(*a, **options)) or begun[-1]
        )
        stores = open_elasticsearch(elasticsearch_url, StoreSettings(), f"gone-{uuid.uuid4().hex[:12]}-")
        assert isinstance(stores, ElasticsearchStores)
        stores.create_indices()
        for index in client.indices.get_alias(index=f"{stores.prefix}movie_index").body:
            client.indices.delete(index=index)
        with pytest.raises(StoreUnavailable, match="gone"):
            stores.movies.put([HEAT])
        assert [inspect.getgeneratorstate(results) for results in begun] == [inspect.GEN_CLOSED]
        stores.drop()
        stores.close()

    @pytest.mark.parametrize("name", ["movie_index", "user_index", "vector_index"])
    def test_somebody_elses_index_of_such_a_name_is_left_alone_and_the_remedy_said(
        self, elasticsearch_url: str, client: Elasticsearch, name: str
    ) -> None:
        prefix = f"theirs-{uuid.uuid4().hex[:12]}-"
        client.index(index=f"{prefix}{name}", id="1", document={"text": "theirs"}, refresh=True)
        stores = open_elasticsearch(elasticsearch_url, StoreSettings(), prefix)
        assert isinstance(stores, ElasticsearchStores)
        try:
            with pytest.raises(StoreUnavailable, match=f"{name} that Marquee did not make: set MARQUEE_ELASTICSEARCH_"):
                fill(stores)
            assert client.count(index=f"{prefix}{name}")["count"] == 1
        finally:
            client.indices.delete(index=f"{prefix}{name}")
            stores.drop()
            stores.close()

    @pytest.mark.parametrize("prefix", ["Upper", "-a", "a b", "a/b", "a*", "a,b", "x" * 101])
    def test_a_prefix_that_cannot_be_one_is_refused(self, prefix: str) -> None:
        with pytest.raises(InvalidRequest, match="prefix"):
            open_elasticsearch("http://127.0.0.1:9200", StoreSettings(), prefix)


class TestWriting:
    def test_what_elasticsearch_itself_refuses_is_named_and_the_rest_is_written(self, stores: Stores) -> None:
        films = row_of_films(1500)
        poison = {films[number].id for number in range(0, 1500, 20)}
        huge = ("x" * 40_000,)  # longer than a term of the index may be
        report = stores.movies.put(replace(film, genres=huge) if film.id in poison else film for film in films)
        assert {failure.id for failure in report.failures} == poison
        assert all("immense term" in failure.reason for failure in report.failures)
        assert all(len(failure.reason) <= 500 for failure in report.failures)
        assert report.written == stores.movies.count() == 1500 - len(poison)
        assert stores.movies.put(films).failures == ()
        assert stores.movies.count() == 1500

    def test_a_film_that_did_not_change_is_not_written_again(self, stores: Stores) -> None:
        fill(stores)
        before = stores.version()
        stores.movies.put(FILMS)
        assert stores.version() == before
        stores.movies.put([replace(HEAT, tags=("new",))])
        assert stores.version() != before

    def test_an_index_that_was_deleted_under_the_store_makes_it_not_ready(
        self, stores: Stores, client: Elasticsearch, prefix: str
    ) -> None:
        fill(stores)
        stores.check()
        (index,) = client.indices.get_alias(name=f"{prefix}user_index").body
        client.indices.delete(index=index)
        with pytest.raises(StoreUnavailable, match=f"{prefix}user_index is gone"):
            stores.check()
        with pytest.raises(StoreUnavailable):
            stores.users.merge("u", [Rating("6", 4.0, 1)])
        stores.users.merge("u", [Rating("6", 4.0, 1)])  # made anew
        stores.check()

    def test_vectors_of_before_they_were_kept_packed_are_read_and_new_ones_can_be_put(
        self, stores: Stores, reopen: Callable[..., Stores], client: Elasticsearch, prefix: str
    ) -> None:
        fill(stores)
        (index,) = client.indices.get_alias(name=f"{prefix}vector_index").body
        about = client.indices.get(index=index).body[index]["mappings"]
        client.indices.delete(index=index)
        del about["properties"]["packed"]
        client.indices.create(index=index, mappings=about)
        client.indices.put_alias(index=index, name=f"{prefix}vector_index")
        old = vector(HEAT, 30)
        document = {"movie_id": "6", "movie_embeddings": old.vector.tolist(), "text_hash": old.text_hash}
        client.index(index=index, id="6", document=document, refresh=True)
        later = reopen()
        assert later.vectors.put([vector(UP, 60)]).failures == ()
        for item, angle in ((HEAT, 30), (UP, 60)):
            np.testing.assert_allclose(later.vectors.get([item.id])[item.id], at(angle), atol=1e-6)
        assert [(item.movie_id, item.vector.dtype) for item in later.vectors.scan()] == [
            ("6", np.float32),
            (UP.id, np.float32),
        ]

    def test_a_forgotten_user_is_in_no_index(self, stores: Stores, client: Elasticsearch, prefix: str) -> None:
        """Asked of the server itself. Its disks drop the bytes when it next merges that segment."""
        stores.users.merge("somebody", [Rating("6", 4.5, 7)])
        stores.users.put_users([User("somebody", {"occupation": "diver"})])
        client.indices.refresh(index=f"{prefix}*")
        everywhere = {"index": f"{prefix}*", "query": {"ids": {"values": ["somebody"]}}}
        assert client.search(**everywhere)["hits"]["total"]["value"] == 1
        assert stores.users.forget("somebody")
        assert not client.exists(index=f"{prefix}user_index", id="somebody")
        client.indices.refresh(index=f"{prefix}*")
        assert client.search(**everywhere)["hits"]["total"]["value"] == 0

    def test_sixteen_writers_of_one_user_lose_nothing(self, stores: Stores, reopen: Callable[..., Stores]) -> None:
        openings = (stores, reopen())

        def write(writer: int) -> None:
            for number in range(6):
                openings[writer % 2].users.merge("hot", [Rating(f"{writer}-{number}", 3.0, number)])

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(write, range(16)))
        history = stores.users.history("hot")
        assert sorted(history.movie_ids) == sorted(f"{writer}-{number}" for writer in range(16) for number in range(6))
        assert list(history.timestamps) == sorted(history.timestamps)

    def test_films_and_vectors_are_in_step_after_any_race(self, stores: Stores, reopen: Callable[..., Stores]) -> None:
        """Writers of texts, of genres, of vectors for old and new texts, and deletions, all at the same films."""
        films = row_of_films(4)
        stores.movies.put(films)
        stores.vectors.create(SPACE)
        openings = (stores, reopen())

        def write(writer: int) -> None:
            random = Random(writer)
            for step in range(12):
                own, film = openings[writer % 2], random.choice(films)
                variant = replace(film, title=f"{film.title} {step % 3}", genres=(random.choice("ABC"),))
                action = random.randrange(10)
                if action == 0:
                    own.movies.delete([film.id])
                elif action < 5:
                    own.movies.put([variant])
                else:
                    own.vectors.put([MovieVector(film.id, at(step), text_hash(variant))])

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(write, range(6)))
        present = {movie.id: movie for movie in stores.movies.scan()}
        made = {item.movie_id: item.text_hash for item in stores.vectors.scan()}
        assert set(made) <= set(present)
        pending = {movie.id for movie in stores.movies.pending()}
        assert pending == {i for i, movie in present.items() if made.get(i) != text_hash(movie)}
        for movie in present.values():
            if movie.id in made:
                found = stores.vectors.nearest(at(0)[None], 10, MovieFilter(genres=frozenset(movie.genres)))
                assert movie.id in [scored.id for scored in found]

    def test_a_new_recipe_of_the_text_makes_every_film_pending(
        self, stores: Stores, client: Elasticsearch, prefix: str
    ) -> None:
        fill(stores)
        client.indices.put_mapping(index=f"{prefix}movie_index", meta={"recipe": 0})
        for film in FILMS:  # as another recipe would have hashed them
            client.update(index=f"{prefix}movie_index", id=film.id, doc={"text_hash": "0", "vector_pending": False})
        assert [film.id for film in stores.movies.pending()] == sorted(f.id for f in FILMS if f not in (HEAT, UP))
        (index,) = client.indices.get_mapping(index=f"{prefix}movie_index").body.values()
        assert index["mappings"]["_meta"] == {"recipe": 1}


class TestRebuild:
    def test_the_alias_always_answers_with_a_whole_index(self, stores: Stores, reopen: Callable[..., Stores]) -> None:
        films = row_of_films(50)
        stores.movies.put(films)
        stores.vectors.create(SPACE)
        stores.vectors.put(vector(film, number) for number, film in enumerate(films))
        reader, stop, seen = stores, threading.Event(), set()
        stores = reopen(elasticsearch_timeout_s=1.5)

        def read() -> None:
            while not stop.is_set():
                seen.add(len(reader.vectors.nearest(at(0)[None], 50)))

        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(read)
            for _ in range(3):
                with stores.vectors.rebuild(SPACE) as hidden:
                    hidden.put(vector(film, number) for number, film in enumerate(films))
            stop.set()
            reading.result()
        assert seen == {50}
        assert list(stores.movies.pending()) == []

    def test_a_vector_put_while_the_alias_moves_is_not_lost(
        self, stores: Stores, reopen: Callable[..., Stores]
    ) -> None:
        films = row_of_films(20)
        stores.movies.put(films)
        stores.vectors.create(SPACE)
        other, stop = reopen(), threading.Event()
        put: list[str] = []

        def write() -> None:
            while not stop.is_set():
                film = films[len(put) % len(films)]
                assert other.vectors.put([vector(film, len(put))]).written == 1
                put.append(film.id)

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            for _ in range(3):
                before = len(put)
                with stores.vectors.rebuild(SPACE):
                    while len(put) < before + 5 and not writing.done():
                        time.sleep(0.01)
            stop.set()
            writing.result()
        there = {item.movie_id for item in stores.vectors.scan()}
        pending = {movie.id for movie in stores.movies.pending()}
        assert put[-1] in there
        assert there | pending == {film.id for film in films}
        assert not there & pending

    def test_what_a_killed_rebuild_left_is_removed_by_a_later_one(
        self, stores: Stores, client: Elasticsearch, prefix: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(stores)
        client.indices.create(index=f"{prefix}vector_index-1-abandoned")
        with stores.vectors.rebuild(OTHER_SPACE):
            pass
        assert len(client.indices.get_alias(index=f"{prefix}vector_index-*").body) == 2  # it may be at work still
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 25 * 3600)
        with stores.vectors.rebuild(SPACE):
            pass
        assert len(client.indices.get_alias(index=f"{prefix}vector_index-*").body) == 1

    def test_of_two_rebuilds_at_once_both_end_and_one_index_remains(
        self, stores: Stores, client: Elasticsearch, prefix: str
    ) -> None:
        fill(stores)
        with stores.vectors.rebuild(OTHER_SPACE), stores.vectors.rebuild(SPACE) as second:
            second.put([vector(HEAT, 5)])
        assert stores.vectors.space() == OTHER_SPACE
        assert len(client.indices.get_alias(index=f"{prefix}vector_index-*").body) == 1


class TestConnection:
    def test_the_request_id_travels_as_the_opaque_id(self, stores: Stores) -> None:
        assert isinstance(stores, ElasticsearchStores)
        token = request_id.set("asked-by-18")
        try:
            answer = stores.client.cluster.health()
        finally:
            request_id.reset(token)
        assert answer.meta.headers["x-opaque-id"] == "asked-by-18"

    @pytest.mark.parametrize("url", ["http://", "http://host:99999", "ftp://host:9200", "http://:9200", "https://[::"])
    def test_a_url_that_cannot_be_one_is_refused(self, url: str) -> None:
        with pytest.raises(InvalidRequest, match="MARQUEE_STORE"):
            open_elasticsearch(url, StoreSettings())

    def test_a_path_that_elasticsearch_does_not_know_is_told(self, elasticsearch_url: str) -> None:
        stores = open_elasticsearch(f"{elasticsearch_url}/somewhere", StoreSettings())
        with pytest.raises(StoreUnavailable, match=r"/somewhere knows no such path: correct MARQUEE_STORE"):
            stores.movies.count()
        stores.close()

    def test_https_to_a_server_without_it_is_told_from_a_bad_certificate(self, elasticsearch_url: str) -> None:
        stores = open_elasticsearch(elasticsearch_url.replace("http://", "https://"), StoreSettings())
        with pytest.raises(StoreUnavailable, match="does not speak TLS: use http://"):
            stores.check()
        stores.close()

    def test_a_missing_certificate_file_is_named(self) -> None:
        settings = StoreSettings.model_validate({"elasticsearch_ca_file": "/nowhere/ca.pem"})
        with pytest.raises(InvalidRequest, match=r"/nowhere/ca\.pem"):
            open_elasticsearch("https://localhost:9200", settings)

    def test_queries_of_another_length_are_refused(self, stores: Stores) -> None:
        fill(stores)
        with pytest.raises(VectorSpaceMismatch, match="3 numbers"):
            stores.vectors.nearest(np.ones((1, 5), np.float32), 3)
