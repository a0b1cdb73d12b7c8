"""SQLite and Elasticsearch give the same answers on MovieLens latest-small with real vectors."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from benchmarks import search
from indexer import open_stores
from indexer.datasets import DatasetError
from indexer.exact import ExactIndex
from indexer.load import load_dataset
from indexer.ports import Stores
from indexer.settings import StoreSettings
from indexer.titles import rank_titles
from indexer.types import EVERYTHING, Movie, MovieFilter
from tests.conftest import service_missing
from tests.support.real_vectors import SPACE, latest_small, vectors

K = 10
QUERIES = 150
TIE = 1e-6
FILTERS = {  # share of the films that pass
    1.0: EVERYTHING,
    0.01: MovieFilter(year_from=1946, year_to=1949),
    0.1: MovieFilter(genres=frozenset({"Horror"})),
    0.5: MovieFilter(exclude_genres=frozenset({"Drama"}), year_from=1910),
}


@dataclass(frozen=True)
class World:
    exact: Stores
    approximate: Stores
    movies: Sequence[Movie]
    index: ExactIndex
    users: Sequence[str]


@pytest.fixture(scope="module")
def world(elasticsearch_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    from indexer.elasticsearch_store import ElasticsearchStores

    try:
        dataset = latest_small()
    except DatasetError as missing:
        service_missing(str(missing))
    movies = list(dataset.movies())
    made = vectors(movies)
    file = tmp_path_factory.mktemp("congruence") / "marquee.db"
    exact = open_stores(f"sqlite:///{file}")
    approximate = open_stores(elasticsearch_url, StoreSettings(), prefix=f"same-{uuid.uuid4().hex[:12]}-")
    assert isinstance(approximate, ElasticsearchStores)
    try:
        for stores in (exact, approximate):
            load_dataset(stores, dataset)
            stores.vectors.create(SPACE)
            report = stores.vectors.put(made)
            assert (report.written, report.failures) == (len(movies), ())
        index = ExactIndex([movie.id for movie in movies], np.stack([item.vector for item in made]))
        yield World(exact, approximate, movies, index, sorted({user for user, _ in exact.users.scan()}))
    finally:
        approximate.drop()
        approximate.close()
        exact.close()


@pytest.mark.slow
class TestCongruence:
    def test_histories_are_identical(self, world: World) -> None:
        assert world.exact.users.count() == world.approximate.users.count()
        assert list(world.exact.users.scan()) == list(world.approximate.users.scan())
        for user in world.users[::10]:
            assert world.exact.users.history(user) == world.approximate.users.history(user)

    def test_catalogues_are_identical(self, world: World) -> None:
        assert list(world.exact.movies.scan()) == list(world.approximate.movies.scan())
        assert list(world.exact.movies.pending()) == list(world.approximate.movies.pending()) == []
        for where in FILTERS.values():
            assert world.exact.movies.matching(where, 20_000) == world.approximate.movies.matching(where, 20_000)

    def test_exact_titles_are_found_alike(self, world: World) -> None:
        for movie in world.movies[::60]:
            hits = [
                rank_titles(movie.title, stores.movies.find_titles(movie.title, 50), 1)
                for stores in (world.exact, world.approximate)
            ]
            assert hits[0] == hits[1]
            titles = {film.title for film in world.movies if film.id == hits[0][0].id}
            assert titles == {movie.title}

    @pytest.mark.parametrize("store", ["exact", "approximate"])
    def test_mistyped_and_exact_titles_are_found_as_promised(self, world: World, store: str) -> None:
        mistyped, exact, begun = search.measure(getattr(world, store), titles=200)
        assert (mistyped.within, exact.within) == (3, 1)
        assert mistyped.share >= search.TYPO_FLOOR
        assert exact.share >= search.EXACT_FLOOR
        assert begun.share >= 0.9

    @pytest.mark.parametrize("share", FILTERS)
    def test_recall_reaches_what_is_promised(self, world: World, share: float) -> None:
        where = FILTERS[share]
        passing = set(world.exact.movies.matching(where, 20_000))
        assert len(passing) == pytest.approx(share * len(world.movies), rel=0.35)
        queries = _queries(world.index)
        hits = wanted = 0
        for query in queries:
            best = world.exact.vectors.nearest(query[None], K, where)
            found = world.approximate.vectors.nearest(query[None], K, where)
            assert len(found) == len(best) == K
            assert {scored.id for scored in found} <= passing
            cosines = dict(zip(world.index.ids, world.index.matrix @ (query / np.linalg.norm(query)), strict=True))
            for scored in found:
                assert scored.score == pytest.approx(cosines[scored.id], abs=1e-5)
            assert all(first.score >= second.score for first, second in pairwise(found))
            hits += sum(cosines[scored.id] >= best[-1].score - TIE for scored in found)
            wanted += K
        assert hits / wanted >= (0.99 if where.empty else 0.98)

    def test_several_queries_with_exclusions_find_the_same(self, world: World) -> None:
        hits = wanted = 0
        for user in world.users[::20]:
            history = world.exact.users.history(user)
            liked = world.exact.vectors.get(history.movie_ids[-5:])
            queries = np.stack(list(liked.values()))  # (5, D)
            best = world.exact.vectors.nearest(queries, K, exclude=history.movie_ids)
            found = world.approximate.vectors.nearest(queries, K, exclude=history.movie_ids)
            assert len(found) == K
            assert not {scored.id for scored in found} & set(history.movie_ids)
            hits += sum(scored.score >= best[-1].score - 2 * TIE for scored in found)
            wanted += K
        assert hits / wanted >= 0.98

    @pytest.mark.parametrize("share", FILTERS)
    def test_who_has_seen_five_thousand_films_still_gets_all_there_are(self, world: World, share: float) -> None:
        """Several tastes, merged by their best; the rated films are those nearest to them, as they would be."""
        rng = np.random.default_rng(3)
        queries = world.index.matrix[rng.choice(len(world.index), 5, replace=False)]  # (5, D)
        order = np.argsort(-(world.index.matrix @ queries.T).max(axis=1))
        seen = [world.index.ids[row] for row in order[:5000]]
        for k in (10, 100):
            best = world.exact.vectors.nearest(queries, k, FILTERS[share], seen)
            found = world.approximate.vectors.nearest(queries, k, FILTERS[share], seen)
            assert len(found) == len(best) > 0
            assert not {scored.id for scored in found} & set(seen)
            assert sum(scored.score >= best[-1].score - 2 * TIE for scored in found) >= 0.98 * len(best)


def _queries(index: ExactIndex) -> np.ndarray:
    """(Q, D): half of them films, half the mean of three films, as tastes are."""
    rng = np.random.default_rng(1)
    films = index.matrix[rng.choice(len(index), QUERIES // 2, replace=False)]
    tastes = index.matrix[rng.choice(len(index), (QUERIES // 2, 3))].mean(axis=1)
    return np.concatenate([films, tastes])
