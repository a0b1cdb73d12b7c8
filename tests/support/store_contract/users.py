"""The contract of `UserStore`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from indexer.ports import Stores
from indexer.types import History, Rating, User, UserCounts
from service_kit.errors import InvalidRequest

Reopen = Callable[..., Stores]


def columns(*ratings: Rating) -> History:
    return History(
        tuple(r.movie_id for r in ratings), tuple(r.rating for r in ratings), tuple(r.timestamp for r in ratings)
    )


class UserContract:
    def test_an_unknown_user_has_an_empty_history(self, stores: Stores) -> None:
        for user_id in ("nobody", "", "\ud800", "x" * 1000):
            assert stores.users.history(user_id) == History()
            assert stores.users.user(user_id) is None
            assert stores.users.remove(user_id, "1", 1) is False
            assert stores.users.forget(user_id) is False

    def test_a_history_is_oldest_first_with_ties_in_arrival_order(self, stores: Stores) -> None:
        late, early, tie, tie2 = Rating("a", 4.0, 9), Rating("b", 0.0, 1), Rating("z", 3.7, 5), Rating("c", 5.0, 5)
        expected = columns(early, tie, tie2, late)
        assert stores.users.merge("u", [late, tie]) == columns(tie, late)
        assert stores.users.merge("u", [tie2, early]) == expected
        assert stores.users.history("u") == expected

    def test_of_two_ratings_of_a_film_the_later_time_wins_and_at_equal_time_the_later_arrival(
        self, stores: Stores
    ) -> None:
        stores.users.merge("u", [Rating("a", 1.0, 10), Rating("b", 2.0, 10)])
        assert stores.users.merge("u", [Rating("a", 5.0, 9)]) == columns(Rating("a", 1.0, 10), Rating("b", 2.0, 10))
        assert stores.users.merge("u", [Rating("a", 4.0, 10)]).ratings == (4.0, 2.0)
        assert stores.users.merge("u", [Rating("a", 3.0, 11)]) == columns(Rating("b", 2.0, 10), Rating("a", 3.0, 11))
        assert stores.users.merge("u", [Rating("c", 1.0, 12), Rating("c", 2.0, 12)]).ratings == (2.0, 3.0, 2.0)

    def test_repeating_a_call_changes_nothing(self, stores: Stores) -> None:
        call = [Rating("a", 1.0, 5), Rating("b", 2.5, 5), Rating("a", 2.0, 5), Rating("c", 0.5, 3)]
        once = stores.users.merge("u", call)
        assert stores.users.merge("u", call) == once
        assert stores.users.merge_many([("u", call), ("u", call)]).written == 2
        assert stores.users.history("u") == once

    def test_ratings_and_times_are_kept_as_sent(self, stores: Stores) -> None:
        sent = [Rating("a", 0.1, -5), Rating("b", 0.0, 0), Rating("c", 3.3333333333333335, 2**40)]
        stores.users.merge("u", sent)
        assert stores.users.history("u") == columns(*sent)

    @pytest.mark.parametrize(
        "unsound",
        [
            Rating("a", float("nan"), 1),
            Rating("a", 5.1, 1),
            Rating("a", -0.1, 1),
            Rating("", 1, 1),
            Rating("a", 1, 2**60),
        ],
    )
    def test_an_unsound_rating_is_refused_and_nothing_is_written(self, stores: Stores, unsound: Rating) -> None:
        with pytest.raises(InvalidRequest):
            stores.users.merge("u", [Rating("b", 1.0, 1), unsound])
        assert stores.users.history("u") == History()
        report = stores.users.merge_many([("u", [unsound]), ("v", [Rating("b", 1.0, 1)]), ("", [])])
        assert report.written == 1
        assert [failure.id for failure in report.failures] == ["u", ""]
        assert stores.users.count() == UserCounts(1, 1)

    def test_a_removed_film_comes_back_only_with_a_later_time(self, stores: Stores) -> None:
        stores.users.merge("u", [Rating("a", 4.0, 10), Rating("b", 3.0, 11)])
        assert stores.users.remove("u", "a", 20) is True
        assert stores.users.history("u") == columns(Rating("b", 3.0, 11))
        assert stores.users.merge("u", [Rating("a", 4.0, 10)]).movie_ids == ("b",)
        assert stores.users.merge("u", [Rating("a", 4.0, 20)]).movie_ids == ("b",)
        assert stores.users.merge("u", [Rating("a", 2.0, 21)]).movie_ids == ("b", "a")
        assert stores.users.merge("u", [Rating("a", 4.0, 15)]).ratings == (3.0, 2.0)

    def test_removing_what_is_not_there_changes_nothing(self, stores: Stores) -> None:
        stores.users.merge("u", [Rating("b", 3.0, 11)])
        assert stores.users.remove("u", "a", 20) is False
        assert stores.users.merge("u", [Rating("a", 4.0, 10)]).movie_ids == ("a", "b")
        assert stores.users.remove("nobody", "a", 20) is False
        assert stores.users.user("nobody") is None

    def test_of_more_than_the_longest_history_the_oldest_are_dropped(self, stores: Stores, reopen: Reopen) -> None:
        short = reopen(longest_history=3)
        ratings = [Rating(film, 3.0, time) for film, time in [("a", 1), ("b", 9), ("d", 5), ("c", 5), ("e", 7)]]
        assert short.users.merge("u", ratings).movie_ids == ("d", "e", "b")
        assert short.users.merge("u", ratings).movie_ids == ("d", "e", "b")
        assert stores.users.history("u").movie_ids == ("d", "e", "b")

    def test_merging_many_equals_merging_one_by_one(self, stores: Stores) -> None:
        calls = [
            (f"user {n % 7}", [Rating(str(n % 5), float(n % 6), n % 4), Rating(str(n), 1.0, n)]) for n in range(60)
        ]
        assert stores.users.merge_many(calls).written == 60
        for user_id, ratings in calls:
            stores.users.merge(f"{user_id}, singly", ratings)
        found = dict(stores.users.scan())
        assert len(found) == 14
        for user_id in {user_id for user_id, _ in calls}:
            assert found[user_id] == found[f"{user_id}, singly"] == stores.users.history(user_id)

    def test_concurrent_merges_lose_nothing(self, stores: Stores, reopen: Reopen) -> None:
        other = reopen()

        def rate(n: int) -> None:
            users = (stores if n % 2 else other).users
            users.merge(f"hot {n % 2}", [Rating(str(n), 3.0, n)])
            users.merge("hottest", [Rating(str(n), 3.0, n)])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(rate, range(48)))
        assert stores.users.history("hottest").movie_ids == tuple(str(n) for n in range(48))
        assert stores.users.count() == UserCounts(3, 96)

    def test_a_forgotten_user_is_erased(self, stores: Stores) -> None:
        stores.users.merge("u", [Rating("a", 4.0, 10), Rating("b", 4.0, 11)])
        stores.users.remove("u", "b", 20)
        stores.users.put_users([User("u", {"age": "30"}), User("v", {"age": "31"})])
        assert stores.users.forget("u") is True
        assert stores.users.forget("u") is False
        assert stores.users.history("u") == History()
        assert stores.users.user("u") is None
        assert [user.id for user in stores.users.scan_users()] == ["v"]
        assert list(stores.users.scan()) == []
        assert stores.users.merge("u", [Rating("b", 1.0, 1)]).movie_ids == ("b",)

    def test_attributes_are_replaced_and_histories_stay(self, stores: Stores) -> None:
        stores.users.merge("u", [Rating("a", 4.0, 10)])
        assert stores.users.user("u") == User("u", {})
        assert stores.users.put_users([User("u", {"age": "30", "zip code": "ü"}), User("w", {})]).written == 2
        assert stores.users.put_users([User("u", {"gender": "F"}), User("", {"age": "1"})]).failures[0].id == ""
        assert stores.users.user("u") == User("u", {"gender": "F"})
        assert stores.users.history("u").movie_ids == ("a",)
        stores.users.merge("u", [Rating("b", 4.0, 11)])
        assert stores.users.user("u") == User("u", {"gender": "F"})
        assert stores.users.user("w") is None

    def test_scans_go_over_those_who_have_something_ascending_by_id(self, stores: Stores) -> None:
        calls = [(f"{n}", [Rating("a", 1.0, n)]) for n in range(1030)]
        stores.users.merge_many(calls)
        stores.users.put_users(User(f"{n}", {"n": f"{n}"}) for n in range(1000, 1060))
        stores.users.merge("gone", [Rating("a", 1.0, 1)])
        stores.users.remove("gone", "a", 2)
        assert [user_id for user_id, _ in stores.users.scan()] == sorted(str(n) for n in range(1030))
        assert [user.id for user in stores.users.scan_users()] == [str(n) for n in range(1000, 1060)]
        assert stores.users.count() == UserCounts(1030, 1030)
        assert stores.users.user("gone") is None
