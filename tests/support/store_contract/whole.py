"""The contract of `Stores` as a whole and of `MetaStore`: health, versions, another opening of the same place."""

from __future__ import annotations

from collections.abc import Callable

from indexer.ports import Stores
from indexer.types import MovieFilter, Rating, User
from tests.support.store_contract.films import FILMS, HEAT, MATRIX, SPACE, UP, at, ids, vector

Reopen = Callable[..., Stores]


class WholeContract:
    def test_a_store_that_answers_is_healthy(self, stores: Stores) -> None:
        stores.check()

    def test_documents_are_replaced_whole_and_unknown_ones_are_none(self, stores: Stores) -> None:
        assert stores.meta.read("statistics") is None
        stores.meta.write("statistics", {"a": [1, 2.5, "ü", None, True], "b": {"c": {}}})
        assert stores.meta.read("statistics") == {"a": [1, 2.5, "ü", None, True], "b": {"c": {}}}
        stores.meta.write("statistics", {"d": 1})
        stores.meta.write("data sets", {})
        assert stores.meta.read("statistics") == {"d": 1}
        assert stores.meta.read("data sets") == {}

    def test_documents_may_be_large_and_of_any_shape(self, stores: Stores) -> None:
        document = {"ids": [str(n) for n in range(20_000)], "a": [1, "two"], "b": [{"x": 1}, {"x": "one"}]}
        stores.meta.write("large", document)
        assert stores.meta.read("large") == document
        stores.meta.write("other", {"a": {"an": "object"}, "ids": 7})
        assert stores.meta.read("other") == {"a": {"an": "object"}, "ids": 7}

    def test_the_version_differs_after_writes_to_movies_vectors_and_meta(self, stores: Stores, reopen: Reopen) -> None:
        if stores.version() is None:
            return  # this backend cannot tell, and says so
        other = reopen()
        seen = [stores.version()]
        writes = [
            lambda: stores.movies.put(FILMS),
            lambda: other.vectors.create(SPACE),
            lambda: stores.vectors.put([vector(HEAT, 0)]),
            lambda: other.movies.delete(["6"]),
            lambda: stores.meta.write("name", {}),
        ]
        for write in writes:
            write()
            assert stores.version() == other.version()
            seen.append(stores.version())
        assert len(set(seen)) == len(seen)
        stores.users.merge("u", [Rating("6", 1.0, 1)])
        assert stores.version() == seen[-1]

    def test_everything_is_there_when_opened_again(self, stores: Stores, reopen: Reopen) -> None:
        stores.movies.put(FILMS)
        stores.vectors.create(SPACE)
        stores.vectors.put([vector(HEAT, 0), vector(UP, 90)])
        history = stores.users.merge("u", [Rating("6", 4.5, 7)])
        stores.users.put_users([User("u", {"age": "30"})])
        stores.meta.write("name", {"a": 1})
        again = reopen()
        assert again.movies.get(["6"]) == {"6": HEAT}
        assert again.vectors.space() == SPACE
        assert ids(again.vectors.nearest(at(0)[None], 5)) == ["6", "68954"]
        assert again.users.history("u") == history
        assert again.users.user("u") == User("u", {"age": "30"})
        assert again.meta.read("name") == {"a": 1}
        assert ids(again.movies.find_titles("heat", 1)) == ["6"]

    def test_what_one_opening_writes_the_other_sees_at_once(self, stores: Stores, reopen: Reopen) -> None:
        other = reopen()
        action = MovieFilter(genres=frozenset({"Action"}))
        stores.movies.put([HEAT, UP])
        stores.vectors.create(SPACE)
        stores.vectors.put([vector(HEAT, 0)])
        assert ids(other.vectors.nearest(at(0)[None], 5, action)) == ["6"]
        other.movies.put([MATRIX])
        other.vectors.put([vector(MATRIX, 1), vector(HEAT, 50)])
        assert ids(stores.vectors.nearest(at(0)[None], 5, action)) == ["2571", "6"]
        stores.movies.delete(["2571"])
        assert ids(other.vectors.nearest(at(0)[None], 5, action)) == ["6"]
        with other.vectors.rebuild(SPACE) as hidden:
            hidden.put([vector(UP, 3)])
        assert ids(stores.vectors.nearest(at(0)[None], 5)) == ["68954"]
        other.users.merge("u", [Rating("6", 4.5, 7)])
        assert stores.users.history("u").movie_ids == ("6",)
