"""The recommender in the process and behind its service: one contract; then ties, limits and following versions."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommender_api.app import create_app, from_environment
from recommender_api.client import HistoryColumns, RankQuery, Recommender
from recommender_api.engine import RecommenderEngine
from recommender_api.http import HttpRecommender
from recommender_api.model_files import POINTER, activate, active_version, save_version
from recommender_api.models.regression import Regression
from recommender_api.models.transitions import Options, Transitions
from recommender_api.selection import best
from recommender_api.settings import RecommenderSettings
from recommender_api.testing.checkerboard import FILMS, checkerboard
from service_kit.errors import ModelUnavailable, UpstreamUnavailable
from service_kit.http import ServiceClient
from tests.support.client import TestClient
from tests.support.live import live
from tests.support.recommender_contract import IDS, RecommenderContract, history, store_models


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models_dir = tmp_path_factory.mktemp("models")
    store_models(models_dir)
    return models_dir


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    store_models(tmp_path)
    return tmp_path


class TestEngine(RecommenderContract):
    @pytest.fixture
    def recommender(self, stored: Path) -> Iterator[Recommender]:
        engine = RecommenderEngine(stored)
        yield engine
        engine.close()


class TestHttp(RecommenderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def recommender(cls, stored: Path) -> Iterator[Recommender]:
        app = create_app(RecommenderEngine(stored), RecommenderSettings(_env_file=None))
        with live(app) as url:
            client = ServiceClient("recommender", url, timeout_s=10.0)
            yield HttpRecommender(client)
            client.close()

    def test_an_answer_that_is_no_ranking_is_an_upstream_failure(self) -> None:
        from fastapi import FastAPI

        other = FastAPI()
        other.post("/rank")(lambda: {"items": "none"})
        with live(other) as url:
            client = ServiceClient("recommender", url, timeout_s=5.0)
            with pytest.raises(UpstreamUnavailable, match="no Ranking"):
                HttpRecommender(client).rank(RankQuery())
            client.close()


class TestSelection:
    def test_ties_are_broken_by_row_wherever_the_cut_falls(self) -> None:
        scores = np.array([1, 3, 3, 2, 3, 1, 2, 2], np.float32)
        right = [1, 2, 4, 3, 6, 7, 0, 5]
        for k in range(1, 12):
            assert list(best(scores, np.ones(8, bool), k)) == right[:k]

    def test_it_agrees_with_a_full_sort(self) -> None:
        rng = np.random.default_rng(3)
        for _ in range(200):
            scores = rng.integers(0, 6, 40).astype(np.float32)
            allowed = rng.random(40) < 0.7
            k = int(rng.integers(1, 50))
            expected = sorted(np.flatnonzero(allowed), key=lambda row: (-scores[row], row))[:k]
            assert list(best(scores, allowed, k)) == expected


class TestHistory:
    def test_only_the_latest_ratings_are_looked_at_but_all_stay_hidden(self, stored: Path) -> None:
        engine = RecommenderEngine(stored, ranking_history=2)
        long = engine.rank(RankQuery(history=history(1, 3, 0, 2), k=FILMS))
        short = engine.rank(RankQuery(history=history(0, 2), seen=(IDS[1], IDS[3]), k=FILMS))
        assert long.items == short.items
        engine.close()

    def test_the_latest_count_among_all_not_among_the_known(self, stored: Path) -> None:
        engine = RecommenderEngine(stored, ranking_history=2)
        new = HistoryColumns(ids=(IDS[1], "new", IDS[0]), ratings=(5.0, 5.0, 5.0), timestamps=(1, 2, 3))
        assert engine.rank(RankQuery(history=new, seen=(IDS[1],), k=3)).items == (
            engine.rank(RankQuery(history=history(0), seen=(IDS[1],), k=3)).items
        )
        engine.close()


class TestFollowing:
    def test_without_any_model_it_says_so_and_begins_when_one_is_activated(self, tmp_path: Path) -> None:
        engine = RecommenderEngine(tmp_path, poll_s=0.02)
        with pytest.raises(ModelUnavailable, match="No model is active"):
            engine.rank(RankQuery())
        assert engine.models() == ()
        store_models(tmp_path)
        wait_until(lambda: bool(engine.models()))
        assert engine.rank(RankQuery()).model == "transitions"
        engine.close()

    def test_a_new_version_is_followed_without_being_told(self, models_dir: Path) -> None:
        engine = RecommenderEngine(models_dir, poll_s=0.02)
        new = save_version(models_dir, Transitions.fit(checkerboard(), Options(lags=3)), {})
        time.sleep(0.1)
        assert engine.rank(RankQuery()).version != new.version  # stored is not yet active
        activate(models_dir, new.name, new.version)
        wait_until(lambda: engine.rank(RankQuery()).version == new.version)
        engine.close()

    def test_it_can_load_in_the_background(self, models_dir: Path) -> None:
        engine = RecommenderEngine(models_dir, poll_s=60, wait=False)
        wait_until(lambda: bool(engine.models()))
        assert engine.rank(RankQuery()).model == "transitions"
        engine.close()

    def test_no_request_is_dropped_or_mixed_while_versions_change_under_load(self, models_dir: Path) -> None:
        """Through a real server: every answer is whole, and exactly what the version that it names would say."""
        first = active_version(models_dir)
        assert first is not None
        second = save_version(models_dir, Transitions.fit(checkerboard(), Options(lags=2, decay=1.0)), {})
        expected = {}
        for name, version in (first, (second.name, second.version)):
            activate(models_dir, name, version)
            engine = RecommenderEngine(models_dir)
            expected[version] = engine.rank(RankQuery(history=history(0, 3, 4), k=8)).items
            engine.close()
        assert len(set(expected.values())) == 2
        served = RecommenderEngine(models_dir, poll_s=0.01)
        settings = RecommenderSettings(_env_file=None)
        counts: dict[str, int] = dict.fromkeys(expected, 0)
        failures: list[object] = []
        stop = threading.Event()

        def ask(url: str) -> None:
            client = ServiceClient("recommender", url, timeout_s=30.0)
            while not stop.is_set():
                try:
                    ranking = HttpRecommender(client).rank(RankQuery(history=history(0, 3, 4), k=8))
                except Exception as error:  # whatever it is, it fails the test
                    failures.append(error)
                    break
                if ranking.items != expected[ranking.version]:
                    failures.append(ranking)
                counts[ranking.version] += 1
            client.close()

        with live(create_app(served, settings)) as url:
            threads = [threading.Thread(target=ask, args=(url,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for swap in range(20):
                name, version = first if swap % 2 else (second.name, second.version)
                activate(models_dir, name, version)
                wait_until(lambda version=version: served.models()[0].version == version)
                time.sleep(0.02)
            stop.set()
            for thread in threads:
                thread.join()
        assert failures == []
        assert min(counts.values()) >= 5, counts

    def test_a_damaged_version_is_refused_the_old_one_goes_on_and_the_reason_shows(self, models_dir: Path) -> None:
        engine = RecommenderEngine(models_dir, poll_s=60)
        old = engine.models()[0]
        new = save_version(models_dir, Transitions.fit(checkerboard(), Options(lags=3)), {})
        activate(models_dir, new.name, new.version)
        weights = new.folder / "weights.safetensors"
        whole = weights.read_bytes()
        weights.write_bytes(whole[:-1])
        active, refused = engine.reload()
        assert active == old
        assert (refused.version, refused.active) == (new.version, False)
        assert refused.problem is not None
        assert "weights.safetensors" in refused.problem
        assert str(models_dir) not in refused.problem
        assert engine.rank(RankQuery()).version == old.version
        assert engine.models() == (active, refused)
        weights.write_bytes(whole)
        assert [info.version for info in engine.reload()] == [new.version]
        engine.close()

    @pytest.mark.parametrize("pointer", ["", "[]", "{}", '{"name":1,"version":2}', '{"name":"x","version":"../.."}'])
    def test_a_broken_pointer_changes_nothing_but_shows(self, models_dir: Path, pointer: str) -> None:
        engine = RecommenderEngine(models_dir, poll_s=60)
        (models_dir / POINTER).write_text(pointer)
        active, refused = engine.reload()
        assert active.name == "transitions"
        assert refused.problem
        assert engine.rank(RankQuery()).model == "transitions"
        engine.close()

    def test_a_taken_away_pointer_leaves_the_model_serving(self, models_dir: Path) -> None:
        engine = RecommenderEngine(models_dir, poll_s=60)
        (models_dir / POINTER).unlink()
        assert [info.active for info in engine.reload()] == [True]
        engine.close()

    def test_a_named_model_is_its_newest_version_and_no_more_than_allowed_are_kept(self, models_dir: Path) -> None:
        engine = RecommenderEngine(models_dir, poll_s=60, models_kept=1)
        first = engine.rank(RankQuery(model="regression")).version
        new = save_version(models_dir, Regression.fit(checkerboard()), {})
        assert first != new.version
        assert engine.rank(RankQuery(model="regression")).version == new.version
        assert [info.name for info in engine.models()] == ["transitions", "regression"]
        frugal = RecommenderEngine(models_dir, poll_s=60, models_kept=0)
        assert frugal.rank(RankQuery(model="regression")).model == "regression"
        assert [info.name for info in frugal.models()] == ["transitions"]
        engine.close()
        frugal.close()

    def test_scores_that_are_not_numbers_are_never_given_out(self, models_dir: Path) -> None:
        engine = RecommenderEngine(models_dir, poll_s=60)
        ranker = engine._models.get(None).ranker
        assert isinstance(ranker, Transitions)
        ranker._popularity[0] = np.nan
        with pytest.raises(ModelUnavailable, match="not numbers"):
            engine.rank(RankQuery())
        engine.close()


class TestService:
    @pytest.fixture
    def settings(self) -> RecommenderSettings:
        return RecommenderSettings(_env_file=None, max_ranked=20, max_history_ids=3, max_candidates=4)

    @pytest.fixture
    def client(self, stored: Path, settings: RecommenderSettings) -> Iterator[TestClient]:
        with TestClient(create_app(RecommenderEngine(stored), settings)) as client:
            yield client

    @pytest.mark.parametrize(
        ("path", "at_limit", "beyond", "named"),
        [
            ("/rank", {"k": 20}, {"k": 21}, "k is 21, at most 20"),
            ("/rank", {"seen": ["a"] * 3}, {"seen": ["a"] * 4}, "seen is 4, at most 3"),
            ("/rank", {"avoid": ["a"] * 3}, {"avoid": ["a"] * 4}, "avoid is 4, at most 3"),
            ("/rank", {"candidates": ["a"] * 4}, {"candidates": ["a"] * 5}, "candidates is 5, at most 4"),
            ("/rank", {"history": 3}, {"history": 4}, "history is 4, at most 3"),
            ("/predict", {"items": ["a"] * 4}, {"items": ["a"] * 5}, "items is 5, at most 4"),
            ("/predict", {"items": [], "history": 3}, {"items": [], "history": 4}, "history is 4, at most 3"),
        ],
    )
    def test_each_limit_holds_at_n_and_refuses_n_plus_one(
        self, client: TestClient, path: str, at_limit: dict[str, object], beyond: dict[str, object], named: str
    ) -> None:
        def body(given: dict[str, object]) -> dict[str, object]:
            length = given.get("history")
            columns = history(*range(length)).model_dump() if isinstance(length, int) else {}
            return {"model": "regression", **given, "history": columns}

        assert client.post(path, json=body(at_limit)).status_code == 200
        refused = client.post(path, json=body(beyond))
        assert refused.status_code == 422
        assert refused.headers["content-type"] == "application/problem+json"
        assert named in refused.json()["detail"]

    @pytest.mark.parametrize(
        "body",
        [
            '{"k": 0}',
            '{"k": NaN}',
            '{"history": {"ids": ["a"], "ratings": [1e999], "timestamps": [1]}}',
            '{"history": {"ids": ["a"], "ratings": [NaN], "timestamps": [1]}}',
            '{"history": {"ids": ["a", "b"], "ratings": [1], "timestamps": [1]}}',
            '{"history": {"ids": [""], "ratings": [1], "timestamps": [1]}}',
            '{"history": {"ids": ["a"], "ratings": [1], "timestamps": [99999999999999999999]}}',
            '{"history": {"ids": ["a"], "ratings": [5.5], "timestamps": [1]}}',
            '{"history": {"ids": ["a"], "ratings": [1e300], "timestamps": [1]}}',
            '{"nonsense": 1}',
            "[]",
            "{",
        ],
    )
    def test_what_is_not_a_query_is_answered_422(self, client: TestClient, body: str) -> None:
        answer = client.post("/rank", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422
        assert answer.json()["type"].endswith("invalid-request")

    def test_rank_answers_in_the_shape_of_the_contract(self, client: TestClient) -> None:
        body = {"history": {"ids": [IDS[0], "x"], "ratings": [5, 5], "timestamps": [1, 2]}, "k": 2}
        answer = client.post("/rank", json=body).json()
        assert set(answer) == {"items", "model", "version", "unknown"}
        assert [set(item) for item in answer["items"]] == [{"id", "score", "because"}] * 2
        assert answer["unknown"] == ["x"]

    def test_models_are_listed_and_reloaded(self, client: TestClient) -> None:
        for answer in (client.get("/models"), client.post("/models/reload")):
            assert answer.status_code == 200
            assert answer.json()["models"][0]["name"] == "transitions"

    def test_a_missing_model_is_404_and_none_at_all_503_with_retry_after(
        self, client: TestClient, tmp_path: Path
    ) -> None:
        answer = client.post("/rank", json={"model": "forest"})
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("unknown-model")
        engine = RecommenderEngine(tmp_path, poll_s=60)
        with TestClient(create_app(engine, RecommenderSettings(_env_file=None))) as empty:
            answer = empty.post("/rank", json={})
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert answer.json()["type"].endswith("model-unavailable")

    def test_readiness_and_info_show_the_model_and_what_is_wrong_with_it(self, tmp_path: Path) -> None:
        engine = RecommenderEngine(tmp_path, poll_s=60)
        with TestClient(create_app(engine, RecommenderSettings(_env_file=None))) as client:
            ready = client.get("/healthz/ready")
            assert (ready.status_code, ready.json()["degraded"]) == (200, {"model": "no model is active yet"})
            store_models(tmp_path)
            engine.reload()
            assert client.get("/v1/info").json()["models"][0]["name"] == "transitions"

    def test_the_service_starts_from_its_settings(self, tmp_path: Path) -> None:
        store_models(tmp_path / "models")
        with TestClient(from_environment(RecommenderSettings(_env_file=None, home=tmp_path))) as client:
            assert client.post("/rank", json={"k": 3}).json()["model"] == "transitions"
            assert client.get("/healthz/ready").json() == {"status": "ready", "degraded": {}}


def wait_until(true: object, seconds: float = 20.0) -> None:
    assert callable(true)
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.005)


def test_serving_a_count_model_imports_nothing_heavy(stored: Path) -> None:
    import subprocess
    import sys

    code = f"""
import sys
from recommender_api.app import from_environment
from recommender_api.client import RankQuery
from recommender_api.engine import RecommenderEngine
engine = RecommenderEngine({str(stored)!r})
assert engine.rank(RankQuery(k=3)).items and engine.rank(RankQuery(k=3, model="regression")).items
print([name for name in ("torch", "sklearn", "scipy", "pyarrow", "skops") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_versions_of_one_data_set_differ_only_by_what_was_learned() -> None:
    """The world that these tests stand on: the two colours are as popular as each other."""
    data = checkerboard()
    counts = np.bincount(data.items, minlength=FILMS)
    assert abs(counts[::2].sum() - counts[1::2].sum()) < 5
    assert replace(data).fingerprint == data.fingerprint
