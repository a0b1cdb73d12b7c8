"""Splits: what is held out, what may be learnt from, and that nothing is in both."""

from __future__ import annotations

import csv
from collections.abc import Sequence

import numpy as np
import pytest

from recommender_api.data import TrainingData
from recommender_api.evaluation.protocols import LeaveOneOut, RandomFilms, RandomRatings, Strict, TimeCut, draw_users
from recommender_api.evaluation.splits import EVERYTHING, RankingCase, check_unseen
from service_kit.errors import InvalidRequest
from tests.support.real_data import real_dataset


def data_of(*histories: str) -> TrainingData:
    """One user for each string, one film for each letter, a second for each position."""
    rows = [(f"{user}", film, at) for user, films in enumerate(histories, start=1) for at, film in enumerate(films)]
    return TrainingData.from_columns(
        [row[0] for row in rows], [row[1] for row in rows], np.full(len(rows), 4.0), [row[2] for row in rows]
    )


def words(data: TrainingData, rows: np.ndarray) -> str:
    return "".join(data.vocabulary.ids[row] for row in rows)


def learnt(data: TrainingData) -> list[str]:
    return [words(data, data.history(user).items) for user in range(data.n_users)]


def asked(data: TrainingData, cases: Sequence[RankingCase]) -> list[str]:
    """What is known and what is to be found, as "abc-d"."""
    return [f"{words(data, case.query.items)}-{data.vocabulary.ids[case.target]}" for case in cases]


ALL = LeaveOneOut(min_ratings=1, validation_users=10)


def test_the_last_film_is_the_test_and_the_second_last_of_drawn_users_the_validation() -> None:
    data = data_of("abcd", "bcda", "dcab")  # drawn from 0, 1, 2: user 1 and user 2; the 0 is nobody
    split = ALL.split(data)
    assert [(case.user, words(data, case.query.items), data.vocabulary.ids[case.target]) for case in split.test] == [
        (0, "abc", "d"),
        (1, "bcd", "a"),
        (2, "dca", "b"),
    ]
    assert [
        (case.user, words(data, case.query.items), data.vocabulary.ids[case.target]) for case in split.validation
    ] == [
        (0, "ab", "c"),
        (1, "bc", "d"),
    ]
    assert learnt(split.train) == ["ab", "bc", "dca"]


def test_strict_trains_on_nobodys_second_last_film() -> None:
    split = Strict(min_ratings=1, validation_users=10).split(data_of("abcd", "bcda", "dcab"))
    assert learnt(split.train) == ["ab", "bc", "dc"]
    assert len(split.test) == 3
    assert len(split.validation) == 2


def test_users_with_fewer_than_three_films_are_only_learnt_from() -> None:
    split = ALL.split(data_of("ab", "a", "abc"))
    assert [case.user for case in split.test] == [2]
    assert learnt(split.train) == ["ab", "a", "ab"]


def test_rare_films_are_neither_asked_for_nor_asked_with_but_learnt_from_before_the_test() -> None:
    data = data_of("axbc", "abcy", "bacz", "cab")  # x, y, z once each
    split = LeaveOneOut(min_ratings=2, validation_users=0).split(data)
    assert asked(data, split.test) == ["ab-c", "ab-c", "ba-c", "ca-b"]
    assert learnt(split.train) == ["axb", "ab", "ba", "ca"]
    assert words(data, np.flatnonzero(split.candidates)) == "abc"


def test_no_held_out_row_is_learnt_from_and_no_query_sees_its_target() -> None:
    rng = np.random.default_rng(0)
    data = data_of(*("".join(rng.permutation(list("abcdefghijkl"))[: rng.integers(1, 13)]) for _ in range(40)))
    for protocol in (ALL, Strict(min_ratings=1), TimeCut(), RandomFilms(min_ratings=1)):
        split = protocol.split(data)
        train = {(int(user), int(item)) for user, item in zip(split.train.users, split.train.items, strict=True)}
        assert split.test
        assert split.validation
        for case in (*split.test, *split.validation):
            assert not {(case.user, int(film)) for film in case.targets} & train
            assert not np.isin(case.targets, case.query.items).any()


def test_the_time_cut_learns_only_from_before_and_asks_only_about_after() -> None:
    data = data_of("abcdefghij", "cdeab", "jihgfedcba")
    split = TimeCut(train_share=0.6, validation_share=0.2).split(data)
    last = split.train.timestamps.max()
    for case in split.rating_test:
        assert case.query.timestamps.max(initial=0) <= case_time(data, case.user, case.items).min()
    assert all(case.query.timestamps.max() >= last - 10 for case in split.test)
    for case in split.test:  # every film after the cut is to be found, for who had a history before it
        (rated,) = (asked.items for asked in split.rating_test if asked.user == case.user)
        assert case.targets.tolist() == rated.tolist()
    held_out = sum(len(case.items) for case in split.rating_test)
    assert held_out == pytest.approx(0.2 * len(data), abs=3)
    assert {case.user for case in split.test} <= {0, 2}  # user 2 stopped before the cut


def case_time(data: TrainingData, user: int, items: np.ndarray) -> np.ndarray:
    history = data.history(user)
    return history.timestamps[np.isin(history.items, items)]


def test_the_order_blind_split_hides_a_fifth_of_every_users_films_wherever_they_stand() -> None:
    rng = np.random.default_rng(0)
    letters = list("abcdefghijklmnopqrst")
    data = data_of(*("".join(rng.permutation(letters)) for _ in range(40)), "abc")
    split = RandomFilms(validation_users=20).split(data)
    assert [len(case.targets) for case in split.test] == [4] * 40  # a fifth of three films is none
    places = np.concatenate([case_time(data, case.user, case.targets) for case in split.test])
    assert 8 < places.mean() < 11  # of 0 to 19: the middle
    for case in split.test:
        assert (np.diff(case.query.timestamps) > 0).all()
        assert len(case.query.items) == 16
    validated = {case.user for case in split.validation}
    assert 15 <= len(validated) <= 20
    for case in split.validation:
        assert len(case.targets) == 2
        assert words(data, case.query.items) == learnt(split.train)[case.user]
    assert all(len(split.train.history(user).items) == 16 for user in {case.user for case in split.test} - validated)
    assert RandomFilms(validation_users=20).split(data).test[7].targets.tolist() == split.test[7].targets.tolist()


def test_the_order_blind_split_leaves_rare_films_out_of_the_question() -> None:
    data = data_of(*["abcdefghij"] * 6, "abcdexyz")
    split = RandomFilms().split(data)
    assert words(data, np.flatnonzero(split.candidates)) == "abcdefghij"
    last = split.test[-1]
    assert last.user == 6
    assert len(last.targets) == 1
    assert set(words(data, np.concatenate([last.query.items, last.targets]))) == set("abcde")
    assert "x" in learnt(split.train)[6]


def test_the_random_split_asks_for_the_rest_of_the_ratings_of_each_user() -> None:
    rng = np.random.default_rng(0)
    data = data_of(*("".join(rng.permutation(list("abcdefghijkl"))) for _ in range(25)))
    split = RandomRatings().split(data)
    assert len(split.train) == 210
    assert sum(len(case.items) for case in split.rating_test) == 90
    for case in split.rating_test:
        assert not np.isin(case.items, case.query.items).any()
        assert len(case.items) + len(case.query.items) == 12
    assert not split.test


def test_drawn_users_are_read_as_numbers_in_natural_order() -> None:
    ids = sorted(str(number) for number in range(1, 31))  # as text: 1, 10, 11, ...
    drawn = {int(ids[at]) for at in np.flatnonzero(draw_users(ids, 8, 42))}
    assert drawn == set(np.random.RandomState(42).choice(30, 8, replace=False).tolist()) - {0}


def test_a_model_is_tested_only_on_the_split_it_was_fitted_on() -> None:
    data = data_of("abcd", "bcda", "dcab")
    split = ALL.split(data)
    check_unseen("bert4rec", "1", ALL.split(data).description, split)
    for stored, what in (
        (EVERYTHING, "all ratings"),
        ({}, "all ratings"),
        (Strict(min_ratings=2).split(data).description, "another split"),
        (LeaveOneOut(min_ratings=2).split(data).description, "another split"),
        (ALL.split(data_of("abcd", "bcda", "dcba")).description, "another split or data set"),
    ):
        with pytest.raises(InvalidRequest, match=what):
            check_unseen("bert4rec", "1", stored, split)


def test_what_was_fitted_on_the_strict_split_may_be_built_on_and_not_the_other_way_round() -> None:
    data = data_of("abcd", "bcda", "dcab")
    everybody, strict = ALL.split(data), Strict(min_ratings=1).split(data)
    check_unseen("bert4rec", "1", strict.description, everybody)
    with pytest.raises(InvalidRequest, match="another split"):
        check_unseen("bert4rec", "1", everybody.description, strict)


def test_movielens_1m_is_split_as_in_the_published_figures() -> None:
    file = real_dataset("ml-1m") / "ml-1m.txt"  # the sequence file of the SASRec and BERT4Rec repositories
    if not file.exists():
        pytest.skip("no ml-1m.txt among the files of ml-1m")
    rows = np.loadtxt(file, dtype=np.int64)
    data = TrainingData.from_columns(
        [str(user) for user in rows[:, 0]],
        [str(film) for film in rows[:, 1]],
        np.full(len(rows), 4.0),
        np.arange(len(rows)),
    )
    split = LeaveOneOut().split(data)
    assert (len(split.train), len(split.validation), len(split.test)) == (993_059, 512, 6_040)
    assert split.candidates.all()
    assert data.n_items == 3_416
    strict = Strict().split(data)
    assert len(strict.train) == 999_611 - 2 * 6_040
    assert len(strict.validation) == 6_040


def test_the_random_split_of_latest_small_is_the_one_over_the_lines_of_its_file() -> None:
    file = real_dataset("ml-latest-small") / "ratings.csv"
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    data = TrainingData.from_columns(
        [row["userId"] for row in rows],
        [row["movieId"] for row in rows],
        [float(row["rating"]) for row in rows],
        [int(row["timestamp"]) for row in rows],
    )
    order = np.random.RandomState(42).permutation(len(rows))
    expected = {(rows[at]["userId"], rows[at]["movieId"]) for at in order[70_585:]}
    asked = {
        (data.user_ids[case.user], data.vocabulary.ids[film])
        for case in RandomRatings().split(data).rating_test
        for film in case.items
    }
    assert asked == expected
