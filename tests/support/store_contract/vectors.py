"""The contract of `VectorStore`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from indexer.ports import Stores
from indexer.types import Movie, MovieFilter, MovieVector, VectorSpace
from service_kit.errors import InvalidRequest, VectorSpaceMismatch
from tests.support.store_contract.films import (
    AMELIE,
    FILMS,
    HEAT,
    MATRIX,
    OTHER_SPACE,
    RELOADED,
    SPACE,
    UP,
    at,
    ids,
    row_of_films,
    vector,
)


def fill(stores: Stores, *vectors: MovieVector) -> None:
    stores.movies.put(FILMS)
    stores.vectors.create(SPACE)
    assert stores.vectors.put(vectors).failures == ()


class VectorContract:
    def test_the_space_is_kept_and_another_one_is_refused(self, stores: Stores) -> None:
        assert stores.vectors.space() is None
        stores.vectors.create(SPACE)
        stores.vectors.create(SPACE)
        assert stores.vectors.space() == SPACE
        for other in (replace(SPACE, model="m"), replace(SPACE, dimension=5), replace(SPACE, recipe=2)):
            with pytest.raises(VectorSpaceMismatch):
                stores.vectors.create(other)
        assert stores.vectors.space() == SPACE

    def test_before_a_space_is_made_there_is_nothing_to_read_and_nowhere_to_put(self, stores: Stores) -> None:
        stores.movies.put([HEAT])
        assert stores.vectors.nearest(at(0)[None], 3) == []
        assert stores.vectors.get(["6"]) == {}
        assert list(stores.vectors.scan()) == []
        assert stores.vectors.count() == 0
        with pytest.raises(VectorSpaceMismatch):
            stores.vectors.put([vector(HEAT, 0)])

    def test_vectors_come_back_as_float32_and_unknown_ids_are_absent(self, stores: Stores) -> None:
        fill(stores, vector(HEAT, 30), vector(UP, 60))
        found = stores.vectors.get(["6", "2571", "nobody", "\ud800"])
        assert list(found) == ["6"]
        assert found["6"].dtype == np.float32
        np.testing.assert_allclose(found["6"], at(30), atol=1e-6)
        stores.vectors.put([vector(HEAT, 31)])
        np.testing.assert_allclose(stores.vectors.get(["6"])["6"], at(31), atol=1e-6)
        assert stores.vectors.count() == 2

    def test_unsound_vectors_are_named_with_a_reason_and_the_others_are_written(self, stores: Stores) -> None:
        unsound = [
            MovieVector("nobody", at(0), "h"),
            MovieVector(MATRIX.id, np.ones(4, np.float32), "h"),
            MovieVector(RELOADED.id, np.zeros(3, np.float32), "h"),
            MovieVector(AMELIE.id, np.array([1, np.nan, 0], np.float32), "h"),
            MovieVector(UP.id, np.array([1, np.inf, 0], np.float32), "h"),
        ]
        stores.movies.put(FILMS)
        stores.vectors.create(SPACE)
        report = stores.vectors.put([*unsound, vector(HEAT, 0)])
        assert report.written == 1
        assert sorted(failure.id for failure in report.failures) == sorted(item.movie_id for item in unsound)
        assert all(failure.reason for failure in report.failures)
        assert [found.movie_id for found in stores.vectors.scan()] == ["6"]

    def test_nearest_gives_best_first_with_cosines(self, stores: Stores) -> None:
        fill(stores, vector(HEAT, 0), vector(MATRIX, 30), vector(UP, 90), vector(AMELIE, 180))
        found = stores.vectors.nearest(at(10)[None] * 7, 10)
        assert ids(found) == ["6", "2571", "68954", "4973"]
        expected = np.cos(np.radians([10, 20, 80, 170]))
        np.testing.assert_allclose([scored.score for scored in found], expected, atol=1e-3)
        assert ids(stores.vectors.nearest(at(10)[None], 2)) == ["6", "2571"]

    def test_of_several_queries_the_nearest_counts_and_no_film_comes_twice(self, stores: Stores) -> None:
        fill(stores, vector(HEAT, 0), vector(MATRIX, 40), vector(UP, 100))
        found = stores.vectors.nearest(np.stack([at(2), at(99), at(300)]), 3)
        assert ids(found) == ["68954", "6", "2571"]
        np.testing.assert_allclose([s.score for s in found], np.cos(np.radians([1, 2, 38])), atol=1e-3)

    def test_ties_come_by_id(self, stores: Stores) -> None:
        films = row_of_films(60)
        stores.movies.put(films)
        stores.vectors.create(SPACE)
        stores.vectors.put([vector(film, 45) for film in films])
        found = stores.vectors.nearest(at(0)[None], 60)
        assert ids(found) == [film.id for film in films]

    def test_nothing_is_near_a_query_that_is_zero_and_unsound_queries_are_refused(self, stores: Stores) -> None:
        fill(stores, vector(HEAT, 0))
        assert stores.vectors.nearest(np.zeros((1, 3), np.float32), 3) == []
        assert stores.vectors.nearest(np.zeros((0, 3), np.float32), 3) == []
        assert stores.vectors.nearest(at(0)[None], 0) == []
        assert ids(stores.vectors.nearest(np.stack([np.zeros(3), at(0)]), 3)) == ["6"]
        with pytest.raises(VectorSpaceMismatch):
            stores.vectors.nearest(np.ones((1, 4), np.float32), 3)
        with pytest.raises(InvalidRequest):
            stores.vectors.nearest(np.array([[np.nan, 0, 0]], np.float32), 3)

    def test_filters_and_exclusions_apply_before_the_k_are_taken(self, stores: Stores) -> None:
        films = row_of_films(400)
        stores.movies.put(films)
        stores.vectors.create(SPACE)
        stores.vectors.put([vector(film, number / 4) for number, film in enumerate(films)])
        query = at(0)[None]
        first = [film.id for film in films]
        assert ids(stores.vectors.nearest(query, 10, exclude=[*first[:380], "nobody"])) == first[380:390]
        assert ids(stores.vectors.nearest(query, 30, exclude=first[:380])) == first[380:]
        western = MovieFilter(genres=frozenset({"Western"}))
        assert ids(stores.vectors.nearest(query, 10, western)) == first[0:100:10]
        assert ids(stores.vectors.nearest(query, 10, western, exclude=first[:300])) == first[300:400:10]
        rare = MovieFilter(year_from=1999)
        assert ids(stores.vectors.nearest(query, 10, rare)) == first[99::100]
        assert stores.vectors.nearest(query, 10, MovieFilter(genres=frozenset({"Opera"}))) == []

    def test_filters_follow_a_changed_film_at_once(self, stores: Stores) -> None:
        fill(stores, vector(HEAT, 0), vector(UP, 10))
        comedy = MovieFilter(genres=frozenset({"Comedy"}))
        assert stores.vectors.nearest(at(0)[None], 5, comedy) == []
        stores.movies.put([replace(HEAT, genres=("Comedy",))])
        assert ids(stores.vectors.nearest(at(0)[None], 5, comedy)) == ["6"]
        assert ids(stores.vectors.nearest(at(0)[None], 5, MovieFilter(year_to=2000))) == ["6"]
        stores.movies.put([replace(HEAT, year=2020)])
        assert stores.vectors.nearest(at(0)[None], 5, MovieFilter(year_to=2000)) == []

    def test_a_vector_is_found_and_replaced_at_once(self, stores: Stores) -> None:
        fill(stores, vector(HEAT, 0), vector(UP, 90))
        assert ids(stores.vectors.nearest(at(0)[None], 1)) == ["6"]
        stores.vectors.put([vector(MATRIX, 1)])
        stores.vectors.put([vector(HEAT, 170)])
        assert ids(stores.vectors.nearest(at(0)[None], 3)) == ["2571", "68954", "6"]
        late = Movie("late", "Late (2024)")
        stores.movies.put([late])
        stores.vectors.put([vector(late, 0)])
        assert ids(stores.vectors.nearest(at(0)[None], 1)) == ["late"]

    def test_scan_gives_all_vectors_ascending_by_id(self, stores: Stores) -> None:
        films = row_of_films(1050)
        stores.movies.put(films)
        stores.vectors.create(SPACE)
        stores.vectors.put([vector(film, number / 10) for number, film in reversed(list(enumerate(films)))])
        found = list(stores.vectors.scan())
        assert [item.movie_id for item in found] == [film.id for film in films]
        assert found[0].text_hash == vector(films[0], 0).text_hash
        np.testing.assert_allclose(found[1000].vector, at(100), atol=1e-6)
        assert stores.vectors.count() == 1050

    def test_a_rebuild_is_hidden_until_it_ends_and_then_takes_over_in_one_step(self, stores: Stores) -> None:
        fill(stores, vector(HEAT, 0), vector(UP, 90))
        assert ids(stores.vectors.nearest(at(0)[None], 1)) == ["6"]
        with stores.vectors.rebuild(OTHER_SPACE) as hidden:
            assert hidden.space() == OTHER_SPACE
            assert hidden.count() == 0
            hidden.put([MovieVector(UP.id, np.eye(4, dtype=np.float32)[0], vector(UP, 0).text_hash)])
            assert stores.vectors.space() == SPACE
            assert ids(stores.vectors.nearest(at(0)[None], 5)) == ["6", "68954"]
            stores.vectors.put([vector(MATRIX, 1)])
        assert stores.vectors.space() == OTHER_SPACE
        assert ids(stores.vectors.nearest(np.eye(4, dtype=np.float32)[:1], 5)) == ["68954"]
        assert stores.vectors.count() == 1
        assert sorted(ids(list(stores.movies.pending()))) == sorted(f.id for f in FILMS if f is not UP)

    def test_a_failed_rebuild_leaves_everything_as_it_was(self, stores: Stores) -> None:
        fill(stores, vector(HEAT, 0))

        def rebuild_and_stop() -> None:
            with stores.vectors.rebuild(OTHER_SPACE) as hidden:
                hidden.put([MovieVector(UP.id, np.ones(4, np.float32) / 2, "h")])
                raise RuntimeError("stop")

        with pytest.raises(RuntimeError, match="stop"):
            rebuild_and_stop()
        assert stores.vectors.space() == SPACE
        assert ids(stores.vectors.nearest(at(0)[None], 5)) == ["6"]
        assert [item.movie_id for item in stores.vectors.scan()] == ["6"]
        with stores.vectors.rebuild(OTHER_SPACE):
            pass
        assert (stores.vectors.space(), stores.vectors.count()) == (OTHER_SPACE, 0)

    def test_a_rebuild_loses_no_film_written_meanwhile_and_brings_no_deleted_one_back(self, stores: Stores) -> None:
        fill(stores)
        late = Movie("late", "Late (2024)")
        changed = replace(HEAT, title="Heat, Again (2030)")
        ones = np.ones(4, np.float32) / 2
        with stores.vectors.rebuild(OTHER_SPACE) as hidden:
            hidden.put([MovieVector(film.id, ones, vector(film, 0).text_hash) for film in FILMS])
            stores.movies.put([late, changed])
            stores.movies.delete([UP.id])
        assert sorted(ids(list(stores.movies.pending()))) == ["6", "late"]
        assert UP.id not in ids(stores.vectors.nearest(ones[None], 10))
        assert UP.id not in [item.movie_id for item in stores.vectors.scan()]

    def test_a_rebuild_can_make_the_first_space(self, stores: Stores) -> None:
        stores.movies.put(FILMS)
        with stores.vectors.rebuild(SPACE) as hidden:
            hidden.put([vector(HEAT, 0)])
        assert stores.vectors.space() == SPACE
        assert ids(stores.vectors.nearest(at(0)[None], 5)) == ["6"]

    def test_vectors_of_a_usual_length_find_their_exact_neighbours(self, stores: Stores) -> None:
        films = row_of_films(300)
        matrix = np.random.default_rng(3).normal(size=(300, 384)).astype(np.float32)
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        stores.movies.put(films)
        stores.vectors.create(VectorSpace("test@384", 384, 1))
        hashes = [vector(film, 0).text_hash for film in films]
        stores.vectors.put(MovieVector(f.id, row, h) for f, row, h in zip(films, matrix, hashes, strict=True))
        for query in range(0, 300, 50):
            cosines = matrix @ matrix[query]
            expected = sorted(range(300), key=lambda row, cosines=cosines: -cosines[row])[:10]
            found = stores.vectors.nearest(matrix[query][None], 10)
            assert ids(found) == [films[row].id for row in expected]
            np.testing.assert_allclose([scored.score for scored in found], cosines[expected], atol=1e-3)
