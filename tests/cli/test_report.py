"""`marquee report`: one page that needs nothing else, about a person's own ratings."""

from __future__ import annotations

import re
import sqlite3
from html.parser import HTMLParser

import numpy as np
import pytest

from core_api.core import Core
from core_api.portrait import portrait
from core_api.settings import CoreSettings
from indexer import open_stores, statistics
from indexer.text import text_hash
from indexer.types import Movie, MovieVector, Rating, VectorSpace
from marquee.report_page import page
from service_kit.errors import NotFound


class Outline(HTMLParser):
    """Headings, and whatever would be fetched or run."""

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.foreign: list[str] = []
        self._inside = False

    def handle_starttag(self, tag, attrs):
        self._inside = tag in ("h1", "h2")
        if tag in ("script", "link", "img", "iframe") or any(name in ("src", "href", "onload") for name, _ in attrs):
            self.foreign.append(tag)

    def handle_data(self, data):
        if self._inside:
            self.headings.append(data)
            self._inside = False


def read(html: str) -> Outline:
    outline = Outline()
    outline.feed(html)
    return outline


@pytest.fixture
def stores(tmp_path):
    """Two kinds of films, 30 degrees within and 90 between, and one that is like none; everybody likes the first."""
    stores = open_stores(f"sqlite:///{tmp_path}/report.db")
    kinds = [("Crime", 0), ("Western", 1)]
    films = [
        Movie(f"{genre}{n}", f"{genre} {n}, The (19{60 + n})", (genre,), year=1960 + n)
        for genre, _ in kinds
        for n in range(12)
    ]
    odd = Movie("odd", "<script>alert(1)</script> (1999)", ("Musical",), year=1999)
    stores.movies.put([*films, odd])
    stores.vectors.create(VectorSpace("test", 8, 1))
    hashes = {movie.id: movie for movie in [*films, odd]}
    rng = np.random.default_rng(0)
    for movie in hashes.values():
        axis = 2 if movie.id == "odd" else dict(kinds)[movie.genres[0]]
        vector = rng.normal(0, 0.1, 8).astype(np.float32)
        vector[axis] += 1
        stores.vectors.put([MovieVector(movie.id, vector / np.linalg.norm(vector), text_hash(movie))])
    for user in range(25):
        stores.users.merge(f"u{user}", [Rating("Crime0", 4.5, 1), Rating("Western0", 2.0, 2)])
    rated = {f"{kind}{n}": stars for kind, stars in (("Crime", 4.5), ("Western", 4.0)) for n in range(1, 9)}
    rated |= {"odd": 5.0, "Crime0": 0.5, "Western0": 5.0}
    stores.users.merge("me & co", [Rating(film, stars, 10 + at) for at, (film, stars) in enumerate(rated.items())])
    statistics.write(stores, statistics.compute(stores))
    yield stores
    stores.close()


@pytest.fixture
def mine(stores):
    return portrait(stores, Core(stores, None, None, CoreSettings(_env_file=None)).recommend, "me & co")


def test_kinds_of_films_are_found_and_named(mine):
    kinds = {cluster.genres[0]: {film.genres[0] for film in cluster.films} for cluster in mine.clusters}
    assert kinds["Crime"] == {"Crime"}
    assert kinds["Western"] == {"Western"}
    assert sum(cluster.size for cluster in mine.clusters) == 18  # all that was liked
    assert sum(cluster.share for cluster in mine.clusters) == pytest.approx(1)


def test_what_is_like_nothing_else_comes_first_among_the_odd_ones(mine):
    assert mine.outliers[0].id == "odd"


def test_opinions_against_the_others_are_told_with_both_figures(mine):
    [above], [below] = mine.above, mine.below
    assert (above.film.id, above.rating) == ("Western0", 5.0)
    assert (below.film.id, below.rating) == ("Crime0", 0.5)
    assert above.others < 2.2
    assert below.others > 4.3


def test_points_lie_on_the_map_and_nearer_to_their_own_kind(mine):
    assert all(-1 <= point.x <= 1 and -1 <= point.y <= 1 for point in mine.points)
    at = {point.film.id: (point.x, point.y) for point in mine.points}

    def apart(one: str, other: str) -> float:
        return ((at[one][0] - at[other][0]) ** 2 + (at[one][1] - at[other][1]) ** 2) ** 0.5

    assert apart("Crime1", "Crime2") < apart("Crime1", "Western1")


def test_films_to_see_next_are_unseen_and_have_reasons(mine):
    assert mine.next is not None
    seen = {point.film.id for point in mine.points}
    assert {item.movie.id for item in mine.next.items} == {
        f"{kind}{n}" for kind in ("Crime", "Western") for n in (9, 10, 11)
    }
    assert not seen & {item.movie.id for item in mine.next.items}
    assert any(item.because for item in mine.next.items)


def test_the_page_stands_alone_and_no_title_becomes_markup(mine):
    html = page(mine)
    outline = read(html)
    assert outline.foreign == []
    assert outline.headings[0] == "me & co"
    assert {"What to see next", "What draws them", "The map", "Against the grain", "In numbers"} <= set(
        outline.headings
    )
    assert "&lt;script&gt;alert(1)" in html
    assert not re.search(r"https?://", html)


def test_who_has_rated_nothing_gets_a_sentence(stores):
    with pytest.raises(NotFound, match="needs some ratings"):
        portrait(stores, Core(stores, None, None, CoreSettings(_env_file=None)).recommend, "nobody")


def test_the_command_writes_the_page_and_says_where(home, marquee, tmp_path):
    assert marquee("load", "demo").code == 0
    [(user,)] = sqlite3.connect(next(home.glob("store/*.db"))).execute(
        "SELECT id FROM users ORDER BY length DESC LIMIT 1"
    )
    out = tmp_path / "page.html"
    done = marquee("report", user, "--out", str(out))
    assert (done.code, done.out.strip()) == (0, str(out))
    assert read(out.read_text("utf-8")).headings[0] == user  # without vectors there is no map, and still a page
    assert marquee("report", "nobody at all").code == 1
    refused = marquee("report", user, "--out", str(tmp_path / "no" / "folder" / "x.html"))
    assert refused.code == 1
    assert "cannot be written" in refused.err
