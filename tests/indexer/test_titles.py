"""Title ranking: what was typed exactly comes first, then beginnings, then what looks alike."""

from __future__ import annotations

import pytest

from indexer.titles import rank_titles
from indexer.types import Movie

TITLES = [
    "Matrix, The (1999)",
    "Matrix Reloaded, The (2003)",
    "Animatrix, The (2003)",
    "Heat (1995)",
    "Heat (1986)",
    "Heat, The (2013)",
    "Dead Heat (1988)",
    "Up (2009)",
    "Up in the Air (2009)",
    "Upside Down (2012)",
    "Toy Story (1995)",
    "Toy Story 2 (1999)",
    "City of Lost Children, The (Cité des enfants perdus, La) (1995)",
    "Seven (a.k.a. Se7en) (1995)",
    "Star Wars: Episode IV - A New Hope (1977)",
    "2001: A Space Odyssey (1968)",
    "Nosferatu",
    "9 (2009)",
    "District 9 (2009)",
    "Lord of the Rings: The Two Towers, The (2002)",
    "(500) Days of Summer (2009)",
    "Max (2002)",
    "Shawshank Redemption, The (1994)",
    "Shane (1953)",
]
CATALOGUE = [Movie(str(number), title) for number, title in enumerate(TITLES)]


def titles(text: str, limit: int = 5) -> list[str]:
    return [TITLES[int(scored.id)] for scored in rank_titles(text, CATALOGUE, limit)]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("the matrix", "Matrix, The (1999)"),
        ("matrx", "Matrix, The (1999)"),
        ("shawshnk", "Shawshank Redemption, The (1994)"),
        ("Matrix", "Matrix, The (1999)"),
        ("Matrix, The (1999)", "Matrix, The (1999)"),
        ("matrix 2003", "Matrix Reloaded, The (2003)"),
        ("Heat (1986)", "Heat (1986)"),
        ("heat 1995", "Heat (1995)"),
        ("the heat", "Heat, The (2013)"),
        ("up", "Up (2009)"),
        ("up 2009", "Up (2009)"),
        ("upside", "Upside Down (2012)"),
        ("toy stroy", "Toy Story (1995)"),
        ("toy story 2", "Toy Story 2 (1999)"),
        ("cite des enfants perdus", "City of Lost Children, The (Cité des enfants perdus, La) (1995)"),
        ("the city of lost children", "City of Lost Children, The (Cité des enfants perdus, La) (1995)"),
        ("se7en", "Seven (a.k.a. Se7en) (1995)"),
        ("a new hope", "Star Wars: Episode IV - A New Hope (1977)"),
        ("star wars", "Star Wars: Episode IV - A New Hope (1977)"),
        ("space odyssey 2001", "2001: A Space Odyssey (1968)"),
        ("nosferattu", "Nosferatu"),
        ("disirict 9", "District 9 (2009)"),
        ("the two towers", "Lord of the Rings: The Two Towers, The (2002)"),
        ("500 days of summer", "(500) Days of Summer (2009)"),
    ],
)
def test_the_title_that_was_meant_comes_first(text: str, first: str) -> None:
    assert titles(text)[0] == first


def test_exact_then_beginning_then_alike() -> None:
    assert titles("toy story") == ["Toy Story (1995)", "Toy Story 2 (1999)"]
    assert titles("heat", 4) == ["Heat (1995)", "Heat (1986)", "Heat, The (2013)", "Dead Heat (1988)"]


def test_what_is_like_nothing_finds_nothing_and_scores_lie_between_0_and_1() -> None:
    assert titles("xqzzvw") == []
    assert titles("") == titles("?!") == titles("matrix", 0) == []
    for text in ("matrix", "Heat (1995)", "the", "1995", "a" * 500):
        assert all(0 < scored.score <= 1 for scored in rank_titles(text, CATALOGUE, 100))


def test_every_title_finds_itself() -> None:
    for title in TITLES:
        assert titles(title)[0] == title
        assert titles(title.upper())[0] == title
