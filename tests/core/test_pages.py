"""Pages of ratings that all are of one second, as a body without timestamps leaves them."""

from __future__ import annotations

import pytest

from core_api.pages import page
from indexer.types import History

FILMS = tuple(f"film {number}" for number in range(10_000))


def of_one_second(films, at=1000):
    films = tuple(films)
    return History(films, (4.0,) * len(films), (at,) * len(films))


def walk(histories, limit):
    """The films of all pages, the history changing from page to page; and the cursors."""
    shown, cursors, cursor = [], [], None
    for number in range(1000):
        following = page(histories[min(number, len(histories) - 1)], limit, cursor)
        shown += [rating.movie_id for rating in following.ratings]
        cursor = following.cursor
        if cursor is None:
            return shown, cursors
        cursors.append(cursor)
    raise AssertionError("the pages do not end")


def test_ten_thousand_ratings_of_one_second_have_short_cursors():
    shown, cursors = walk([of_one_second(FILMS)], 1000)
    assert shown == list(FILMS)
    assert max(map(len, cursors)) < 1000


def test_the_longest_ids_leave_a_cursor_that_fits_into_a_url(client):
    films = [chr(0x1F600 + number) * 128 for number in range(40)]
    client.post("/update_ratings", json={"u": {"movie_id": films, "ratings": [4] * 40}})
    first = client.get("/v1/users/u/ratings?limit=30").json()
    assert len(first["next"]) < 20_000
    second = client.get("/v1/users/u/ratings", params={"limit": 30, "cursor": first["next"]}).json()
    assert [row["movie_id"] for row in (*first["items"], *second["items"])] == films


@pytest.mark.parametrize("gone", [slice(9, 10), slice(0, 10), slice(10, 12), slice(0, 15)])
def test_what_is_taken_away_between_pages_disturbs_no_other(gone):
    films = FILMS[:30]
    left = [film for film in films if film not in films[gone]]
    shown, _ = walk([of_one_second(films), of_one_second(left)], 10)
    assert shown == [*films[:10], *(film for film in films[10:] if film in left)]


def test_what_is_added_in_that_very_second_comes_at_the_end_of_it():
    shown, _ = walk([of_one_second(FILMS[:30]), of_one_second(FILMS[:33])], 10)
    assert shown == list(FILMS[:33])
