"""The contract of `MovieStore`."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.ports import Stores
from indexer.types import Movie, MovieFilter, Rating
from tests.support.store_contract.films import (
    AMELIE,
    FILMS,
    HEAT,
    MATRIX,
    NOSFERATU,
    RELOADED,
    SPACE,
    UP,
    at,
    ids,
    row_of_films,
    vector,
)

# One test of the contract runs in a class for each store, whose stores are fixtures: both are meant.
EVERY_STORE = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
ANY_TEXT = st.text(max_size=60) | st.lists(
    st.sampled_from(
        ["matrix", "NEAR", "NEAR(", "AND", "OR", "NOT", "*", '"', "'", ":", "^", "\0", "grams:", "-", ")", "+"]
    ),
    max_size=8,
).map(" ".join)
STRANGE_IDS = ["a b", "a/b?c=d&e", "%2F", "..", "ü", "名前", "_doc", '"quoted"', "'; DROP TABLE movies; --", "x" * 128]


class MovieContract:
    def test_films_come_back_as_they_were_put_and_unknown_ids_are_absent(self, stores: Stores) -> None:
        odd = Movie("odd", 'He said "no" – Кин-дза-дза! 🎬 \t(1986)', ("Sci-Fi|Comedy", "a,b"), ("tag: *", "'"), None)
        report = stores.movies.put([*FILMS, odd])
        assert (report.written, report.failures) == (7, ())
        assert stores.movies.get(["odd", "6", "nobody", "6"]) == {"odd": odd, "6": HEAT}
        assert stores.movies.get([]) == {}
        assert stores.movies.count() == 7

    def test_any_string_can_be_an_id(self, stores: Stores) -> None:
        films = [Movie(movie_id, f"Film {n}") for n, movie_id in enumerate(STRANGE_IDS)]
        assert stores.movies.put(films).failures == ()
        assert stores.movies.get(STRANGE_IDS) == {film.id: film for film in films}
        assert [film.id for film in stores.movies.scan()] == sorted(STRANGE_IDS)

    @pytest.mark.parametrize("impossible", ["", "x" * 129, "x" * 10_000, "\ud800"])
    def test_an_id_that_cannot_exist_is_an_unknown_one(self, stores: Stores, impossible: str) -> None:
        stores.movies.put([HEAT])
        assert stores.movies.get([impossible, "6"]) == {"6": HEAT}
        assert stores.movies.delete([impossible]) == 0

    def test_putting_again_replaces_the_whole_film_and_of_one_id_the_last_counts(self, stores: Stores) -> None:
        stores.movies.put(FILMS)
        bare = Movie("6", "Heat")
        stores.movies.put([replace(HEAT, title="Hot"), bare])
        assert stores.movies.get(["6"]) == {"6": bare}
        assert stores.movies.count() == len(FILMS)

    def test_what_a_rich_catalogue_knows_of_a_film_comes_back_and_is_part_of_its_text(self, stores: Stores) -> None:
        rich = replace(
            HEAT,
            keywords=("bank robbery", "Größe"),
            cast=("Al Pacino",),
            director=("Michael Mann",),
            overview="A thief. " * 900,
        )
        stores.movies.put([HEAT, UP])
        stores.vectors.create(SPACE)
        stores.vectors.put([vector(HEAT, 0), vector(UP, 10)])
        stores.movies.put([rich])
        assert stores.movies.get(["6", "68954"]) == {"6": rich, "68954": UP}
        assert list(stores.movies.scan()) == [rich, UP]
        assert ids(list(stores.movies.pending())) == ["6"]
        stores.movies.put([HEAT])
        assert stores.movies.get(["6"]) == {"6": HEAT}

    def test_unsound_films_are_named_with_a_reason_and_the_others_are_written(self, stores: Stores) -> None:
        unsound = [Movie("", "No id"), Movie("x" * 129, "Long id"), Movie("9", "  "), Movie("10", "Year", year=123456)]
        report = stores.movies.put([HEAT, *unsound, UP])
        assert report.written == 2
        assert [failure.id for failure in report.failures] == [film.id for film in unsound]
        assert all(failure.reason for failure in report.failures)
        assert [film.id for film in stores.movies.scan()] == ["6", "68954"]

    def test_scan_gives_all_films_ascending_by_id(self, stores: Stores) -> None:
        films = row_of_films(1201)
        stores.movies.put(reversed(films))
        stores.movies.put([Movie("10", "Ten"), Movie("9", "Nine"), Movie("100", "Hundred")])
        found = list(stores.movies.scan())
        assert [film.id for film in found] == sorted([*(film.id for film in films), "10", "9", "100"])
        assert [film for film in found if film.title.startswith("Film")] == films

    def test_a_deleted_film_is_gone_everywhere_but_in_the_histories(self, stores: Stores) -> None:
        stores.movies.put(FILMS)
        stores.vectors.create(SPACE)
        stores.vectors.put([vector(HEAT, 0), vector(UP, 10)])
        stores.users.merge("u", [Rating("6", 4.0, 1)])
        assert stores.movies.delete(["6", "nobody", "6"]) == 1
        assert stores.movies.get(["6"]) == {}
        assert stores.movies.find_titles("heat", 10) == []
        assert stores.vectors.get(["6"]) == {}
        assert ids(stores.vectors.nearest(at(0)[None], 10)) == ["68954"]
        assert [found.movie_id for found in stores.vectors.scan()] == ["68954"]
        assert (stores.movies.count(), stores.vectors.count()) == (5, 1)
        assert stores.users.history("u").movie_ids == ("6",)

    def test_a_film_that_was_deleted_and_put_again_needs_a_new_vector(self, stores: Stores) -> None:
        stores.movies.put([HEAT])
        stores.vectors.create(SPACE)
        stores.vectors.put([vector(HEAT, 0)])
        stores.movies.delete(["6"])
        stores.movies.put([HEAT])
        assert ids(list(stores.movies.pending())) == ["6"]
        assert stores.vectors.nearest(at(0)[None], 5) == []
        stores.vectors.put([vector(HEAT, 20)])
        assert ids(list(stores.movies.pending())) == []
        assert ids(stores.vectors.nearest(at(20)[None], 5)) == ["6"]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Matrix, The (1999)", MATRIX),
            ("the matrix", MATRIX),
            ("MATRIX", MATRIX),
            ("matrxi", MATRIX),
            ("reloaded matrix", RELOADED),
            ("amélie", AMELIE),
            ("fabuleux destin d’amelie", AMELIE),
            ("up", UP),
            ("nosfer", NOSFERATU),
            ("heet 1995", HEAT),
        ],
    )
    def test_titles_are_found_despite_typos_case_accents_and_word_order(
        self, stores: Stores, text: str, expected: Movie
    ) -> None:
        stores.movies.put(FILMS)
        assert stores.movies.find_titles(text, 10)[0] == expected

    def test_title_search_keeps_to_its_limit_and_filter(self, stores: Stores) -> None:
        stores.movies.put([*FILMS, *row_of_films(30)])
        assert len(stores.movies.find_titles("film number", 7)) == 7
        assert stores.movies.find_titles("film number", 0) == []
        found = stores.movies.find_titles("film number", 10, MovieFilter(genres=frozenset({"Western"})))
        assert sorted(ids(found)) == ["0000", "0010", "0020"]
        assert stores.movies.find_titles("matrix", 10, MovieFilter(year_from=2000))[0] == RELOADED

    def test_a_new_title_is_found_at_once_and_the_old_one_no_longer(self, stores: Stores) -> None:
        stores.movies.put([HEAT, UP])
        stores.movies.put([replace(UP, title="Oben")])
        assert ids(stores.movies.find_titles("oben", 5)) == ["68954"]
        assert stores.movies.find_titles("up", 5) == []

    @pytest.mark.parametrize("text", ["", "  ", "?!…", "\0", "*", '"', "_"])
    def test_a_text_without_letters_finds_nothing(self, stores: Stores, text: str) -> None:
        stores.movies.put(FILMS)
        assert stores.movies.find_titles(text, 10) == []

    @settings(max_examples=60, deadline=None, suppress_health_check=EVERY_STORE)
    @given(text=ANY_TEXT)
    def test_any_search_text_is_safe_and_widens_nothing(self, stores: Stores, text: str) -> None:
        if stores.movies.count() == 0:
            stores.movies.put(FILMS)
        found = stores.movies.find_titles(text, 10, MovieFilter(genres=frozenset({"Horror"})))
        assert set(ids(found)) <= {"1348"}

    def test_a_very_long_search_text_is_safe(self, stores: Stores) -> None:
        stores.movies.put(FILMS)
        assert stores.movies.find_titles("matrix " * 100_000, 1) == [MATRIX]

    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            (MovieFilter(), {"6", "2571", "6365", "4973", "68954", "1348"}),
            (MovieFilter(genres=frozenset({"Sci-Fi", "Romance"})), {"2571", "6365", "4973"}),
            (MovieFilter(genres=frozenset({"Sci"})), set()),
            (MovieFilter(genres=frozenset({"action"})), set()),
            (MovieFilter(exclude_genres=frozenset({"Action"})), {"4973", "68954", "1348"}),
            (MovieFilter(genres=frozenset({"Action"}), exclude_genres=frozenset({"Sci-Fi"})), {"6"}),
            (MovieFilter(year_from=1999, year_to=2003), {"2571", "6365", "4973"}),
            (MovieFilter(year_to=10**30), {"6", "2571", "6365", "4973", "68954"}),
            (MovieFilter(year_from=-(10**30)), {"6", "2571", "6365", "4973", "68954"}),
            (MovieFilter(year_from=2003, year_to=1999), set()),
            (MovieFilter(genres=frozenset({"Horror"}), year_from=1900), set()),
        ],
    )
    def test_a_filter_lets_pass_what_meets_all_its_conditions(
        self, stores: Stores, where: MovieFilter, expected: set[str]
    ) -> None:
        stores.movies.put(FILMS)
        assert stores.movies.matching(where, 100) == sorted(expected)
        assert stores.movies.matching(where, 2) == sorted(expected)[:2]

    @pytest.mark.parametrize("genre", ["Sci-Fi|Comedy", "a,b", "*", 'quo"te', "[]", "Ужасы", "film noir"])
    def test_a_genre_matches_as_a_whole_whatever_it_contains(self, stores: Stores, genre: str) -> None:
        stores.movies.put([*FILMS, Movie("x", "X", (genre, "Drama"))])
        assert stores.movies.matching(MovieFilter(genres=frozenset({genre})), 10) == ["x"]

    def test_a_film_is_pending_until_a_vector_of_its_text_is_put(self, stores: Stores) -> None:
        stores.movies.put(FILMS)
        everything = sorted(film.id for film in FILMS)
        assert ids(list(stores.movies.pending())) == everything
        stores.vectors.create(SPACE)
        assert ids(list(stores.movies.pending())) == everything
        stores.vectors.put([vector(film, 10) for film in FILMS if film is not UP])
        assert list(stores.movies.pending()) == [UP]
        stores.vectors.put([vector(replace(UP, title="Upp"), 10)])
        assert list(stores.movies.pending()) == [UP]
        stores.vectors.put([vector(UP, 10)])
        assert list(stores.movies.pending()) == []

    def test_a_changed_text_is_pending_again_while_the_old_vector_serves(self, stores: Stores) -> None:
        stores.movies.put([HEAT, UP])
        stores.vectors.create(SPACE)
        stores.vectors.put([vector(HEAT, 0), vector(UP, 90)])
        changed = replace(HEAT, tags=("los angeles",))
        stores.movies.put([changed, replace(UP, year=2010, imdb_id="tt1")])  # neither is in the text
        assert list(stores.movies.pending()) == [changed]
        assert ids(stores.vectors.nearest(at(0)[None], 1)) == ["6"]
        stores.movies.put([HEAT])
        assert list(stores.movies.pending()) == []

    def test_vectors_may_be_put_while_iterating_over_what_is_pending(self, stores: Stores) -> None:
        films = row_of_films(1100)
        stores.movies.put(films)
        stores.vectors.create(SPACE)
        seen = []
        for number, film in enumerate(stores.movies.pending()):
            if number % 100 == 0:
                stores.vectors.put([vector(film, 5)])
            seen.append(film.id)
        assert seen == [film.id for film in films]
