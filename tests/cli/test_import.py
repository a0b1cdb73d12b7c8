"""`marquee import` on the demo world: a preview, the commit, choices, and files that are none."""

from __future__ import annotations

import json

import pytest

HEAD = "Date,Name,Year,Letterboxd URI,Rating"


@pytest.fixture
def loaded(home, marquee):
    assert marquee("load", "demo").code == 0
    return marquee


@pytest.fixture
def films(loaded):
    """(title as people say it, year) of two films of the demo world."""
    found = [loaded("search", letter, "--json", "-k", "1") for letter in ("the", "a")]
    return [json.loads(done.out)[0]["title"] for done in found]


@pytest.fixture
def export(films, tmp_path):
    file = tmp_path / "ratings.csv"
    rows = [f'2020-01-0{day},"{title}",,u,4.5' for day, title in enumerate(films, 1)]
    file.write_text("\n".join([HEAD, *rows, "2020-01-03,No Such Film Anywhere,1901,u,3", "2020-01-04,,,u,3"]))
    return file


def test_a_preview_writes_nothing_and_says_what_it_would_write(loaded, export):
    before = json.loads(loaded("status", "--json").out)
    done = loaded("import", "me", str(export))
    assert done.code == 0
    assert done.out.splitlines()[-1] == (
        "letterboxd: 2 films found, 0 in doubt, 1 not found, 1 rows set aside; 2 to write."
    )
    assert "No Such Film Anywhere" in done.out
    assert "--commit" in done.err
    assert json.loads(loaded("status", "--json").out) == before


def test_a_commit_writes_once(loaded, export):
    first, second = (json.loads(loaded("import", "me", str(export), "--commit", "--json").out) for _ in range(2))
    assert (first["written"], second["written"]) == (2, 0)
    answer = json.loads(loaded("recommend", "--user", "me", "--json").out)
    assert answer["history_length"] == 2


def test_a_choice_counts(loaded, export, films):
    chosen = json.loads(loaded("search", films[0], "--json").out)[0]["id"]
    done = json.loads(loaded("import", "me", str(export), "--choose", f"2:{chosen}", "--json").out)
    assert [row["matched_by"] for row in done["matched"]].count("your choice") == 1
    assert done["unmatched"] == []


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read: No such file"), ("", "is empty"), ("a,b\n1,2\n", "no export that Marquee knows")],
)
def test_a_file_that_is_none_is_one_sentence(loaded, tmp_path, content, words):
    file = tmp_path / "file.csv"
    if content is not None:
        file.write_text(content)
    done = loaded("import", "me", str(file), "--commit")
    assert done.code == 1
    assert words in done.err
    assert "Traceback" not in done.err


def test_a_user_name_that_can_be_none_is_a_wrong_call(loaded, export):
    assert loaded("import", "x" * 200, str(export)).code == 2
