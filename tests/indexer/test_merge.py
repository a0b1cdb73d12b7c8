"""Merging ratings: whatever arrives in whatever order, both stores end with the same history."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from indexer.merge import UserDocument, merge, remove
from indexer.types import History, Rating

RATINGS = st.lists(
    st.builds(
        Rating,
        st.sampled_from("abcdefgh"),
        st.sampled_from([0.0, 0.5, 3.0, 5.0]),
        st.integers(min_value=-3, max_value=6),
    ),
    max_size=20,
)


def by_film(history: History) -> dict[str, tuple[float, int]]:
    return dict(zip(history.movie_ids, zip(history.ratings, history.timestamps, strict=True), strict=True))


@given(RATINGS)
def test_per_film_the_latest_rating_is_left_and_the_history_is_in_order_of_time(ratings: list[Rating]) -> None:
    history = merge(UserDocument(), ratings, 100).history
    expected: dict[str, tuple[float, int]] = {}
    for rating in ratings:
        if rating.movie_id not in expected or rating.timestamp >= expected[rating.movie_id][1]:
            expected[rating.movie_id] = (rating.rating, rating.timestamp)
    assert by_film(history) == expected
    assert list(history.timestamps) == sorted(history.timestamps)


@given(RATINGS, RATINGS, st.integers(min_value=1, max_value=10))
def test_merging_the_same_again_changes_nothing(first: list[Rating], second: list[Rating], longest: int) -> None:
    once = merge(merge(UserDocument(), first, longest), second, longest)
    assert merge(once, second, longest) == once
    assert len(once.history) <= longest


@given(RATINGS)
def test_it_does_not_matter_whether_ratings_come_together_or_one_by_one(ratings: list[Rating]) -> None:
    together = merge(UserDocument(), ratings, 100)
    singly = UserDocument()
    for rating in ratings:
        singly = merge(singly, [rating], 100)
    assert by_film(singly.history) == by_film(together.history)


@given(RATINGS, RATINGS, st.sampled_from("abcdefgh"), st.integers(min_value=0, max_value=6))
def test_after_a_removal_only_later_ratings_of_the_film_count(
    before: list[Rating], after: list[Rating], film: str, at: int
) -> None:
    document = merge(UserDocument(), before, 100)
    removed = remove(document, film, at)
    if film not in document.history.movie_ids:
        assert removed is document
        return
    assert film not in removed.history.movie_ids
    assert len(removed.history) == len(document.history) - 1
    later = [rating for rating in after if rating.movie_id == film and rating.timestamp > at]
    merged = by_film(merge(removed, after, 100).history)
    assert (film in merged) == bool(later)
    if later:
        assert merged[film][1] == max(rating.timestamp for rating in later)


def test_a_tie_at_the_edge_of_the_longest_history_is_cut_the_same_way_however_often_it_arrives() -> None:
    ratings = [Rating(film, 3.0, 5) for film in ("c", "a", "b")]
    once = merge(UserDocument(), ratings, 2)
    assert once.history.movie_ids == ("c", "b")
    assert merge(once, ratings, 2) == once
