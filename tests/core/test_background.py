"""What the core does beside answering."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from core_api.catalogue import MovieChange
from core_api.rate import NewRating
from core_api.wishes import Wish
from indexer import statistics
from indexer.types import Movie
from service_kit.errors import StoreUnavailable, UpstreamUnavailable
from tests.support import world
from tests.support.hash_embedder import HashEmbedder


@pytest.fixture
def running():
    """Starts a core's background work; ends it with the test."""
    cores = []

    def run(core):
        cores.append(core)
        core.start()
        return core

    yield run
    for core in cores:
        core.close()


def eventually(true, seconds=5.0):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_popularity_is_computed_when_there_is_none(running, make_core, empty):
    world.fill(empty, with_vectors=False)
    core = running(make_core(empty))
    eventually(lambda: statistics.read(empty) is not None)
    best = statistics.read(empty).movie_ids[0]
    eventually(lambda: best in [item.movie.id for item in core.recommend.for_user("new", Wish()).items])


def test_popularity_follows_new_ratings_after_a_while(running, make_core, stores):
    core = running(make_core(stores, statistics_every_s=0.05))
    core.ratings.add({f"fan{number}": [NewRating(world.UNSEEN, 5.0)] for number in range(60)})
    time.sleep(1.1)  # statistics carry whole seconds
    core.background.want_statistics()
    eventually(lambda: core.recommend.for_user("new", Wish(k=1)).items[0].movie.id == world.UNSEEN, 10)


def test_an_empty_store_is_left_alone(running, make_core, empty):
    core = running(make_core(empty))
    assert core.recommend.for_user("new", Wish()).items == ()
    time.sleep(0.2)
    assert statistics.read(empty) is None


class Switched(HashEmbedder):
    """Down until `up` is set."""

    def __init__(self):
        super().__init__(before=self._check)
        self.up = threading.Event()

    def _check(self, texts):
        if not self.up.is_set():
            raise UpstreamUnavailable("the embedding service is down")


def test_pending_vectors_are_completed_when_the_embedder_is_back(make_core, stores):
    embedder = Switched()
    core = make_core(stores, None, embedder)
    _, ready = core.catalogue.replace("new", MovieChange("New (2020)"))
    assert ready is False
    with pytest.raises(UpstreamUnavailable):
        core.background.complete_vectors()
    assert "new" not in stores.vectors.get(["new"])
    embedder.up.set()
    core.background.complete_vectors()
    assert "new" in stores.vectors.get(["new"])
    asked = len(embedder.calls)
    core.background.complete_vectors()
    assert len(embedder.calls) == asked  # nothing left to do


def test_a_film_stored_while_others_are_completed_is_not_forgotten(make_core, stores):
    def store_another(texts):
        if any("First" in text for text in texts):
            stores.movies.put([Movie("second", "Second (2020)")])
            core.background.want_vectors()

    core = make_core(stores, None, HashEmbedder(before=store_another))
    stores.movies.put([Movie("first", "First (2020)")])
    core.background.complete_vectors()
    core.background.complete_vectors()
    assert set(stores.vectors.get(["first", "second"])) == {"first", "second"}


def test_a_preparation_under_way_is_not_disturbed(make_core, stores, embedder):
    core = make_core(stores, None, embedder)
    stores.movies.put([Movie("new", "New (2020)")])
    with core.preparation.task("embedding movies", 40):
        core.background.complete_vectors()
        assert "new" not in stores.vectors.get(["new"])
    core.background.complete_vectors()
    assert "new" in stores.vectors.get(["new"])


def test_work_goes_on_after_the_store_was_away(running, make_core, stores):
    core = make_core(stores, statistics_every_s=0.05)
    kept, calls = stores.meta.read, []

    def read(name):
        calls.append(name)
        if len(calls) < 3:
            raise StoreUnavailable("the store is away")
        return kept(name)

    stores.meta.read = read
    running(core)
    eventually(lambda: len(calls) > 4)


def test_preparation_is_told(make_core, stores, serve):
    core = make_core(stores)
    with core.preparation.task("embedding movies", 40) as advance:
        advance(10)
        (step,) = core.info()["preparation"]
        assert step == {"step": "embedding movies", "state": "running", "done": 10, "total": 40}
    assert core.info()["preparation"][0]["state"] == "done"
    with pytest.raises(ZeroDivisionError), core.preparation.task("training"):
        raise ZeroDivisionError
    assert serve(core).get("/v1/info").json()["preparation"][1]["state"] == "failed"


def test_the_app_made_from_the_environment_imports_nothing_heavy(tmp_path):
    """As `uvicorn core_api.app:app` makes it: on SQLite, without torch, sklearn, elasticsearch or pyarrow."""
    code = (
        "import sys, core_api.app as module; app = module.app; assert app is module.app; "
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    environment = {
        "MARQUEE_HOME": str(tmp_path),
        "MARQUEE_RECOMMENDER_URL": "http://127.0.0.1:9",
        "MARQUEE_EMBEDDING_URL": "http://127.0.0.1:9",
        "PATH": "",
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    heavy = {"torch", "sklearn", "scipy", "sentence_transformers", "elasticsearch", "pyarrow", "pandas", "skops"}
    assert not heavy & set(done.stdout.split())
