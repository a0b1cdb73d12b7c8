"""A row that cannot be is set aside with file, line and reason; the rest loads."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.datasets import Dataset, open_dataset
from indexer.datasets import report as reports
from indexer.datasets.lines import blocks, numbered_lines
from indexer.datasets.report import LoadReport
from indexer.datasets.tables import recognise, rows
from tests.support import movielens
from tests.support.movielens import FORMATS

MOVIES = FORMATS["ml-25m"]["movies.csv"]
HEADER = b"userId,movieId,rating,timestamp\n"
GOOD = b"7,1,4.0,1000\n"


def dataset_of(folder: Path, **files: bytes) -> Dataset:
    named = {f"{name}.csv": content for name, content in files.items()}
    return open_dataset(movielens.write(folder / "own", named))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b",1,4.0,1000", "no user"),
        (b"nan,1,4.0,1000", "no user"),
        (b"   ,1,4.0,1000", "no user"),
        (b"1.5,1,4.0,1000", "bad number"),
        (b"-1,1,4.0,1000", "bad number"),
        (b"\xd9\xa1,2,x,1000", "bad number"),
        (b"1,,4.0,1000", "no movie"),
        (b"1,99,4.0,1000", "unknown movie"),
        (b"1,one,4.0,1000", "unknown movie"),
        (b"1,1,5.5,1000", "impossible rating"),
        (b"1,1,-0.5,1000", "impossible rating"),
        (b"1,1,nan,1000", "bad number"),
        (b"1,1,inf,1000", "bad number"),
        (b"1,1,4_0,1000", "bad number"),
        (b"1,1,,1000", "bad number"),
        (b"1,1,1e0,1000", "bad number"),
        (b"1,1,4.0,", "bad number"),
        (b"1,1,4.0,-5", "bad number"),
        (b"1,1,4.0,yesterday", "bad number"),
        (b"1,1,4.0,964982703000", "impossible time"),
        (b"1,1,4.0", "wrong number of columns"),
        (b"1,1,4.0,1000,9", "wrong number of columns"),
        (b"1,1,4.0,1000\xff\xfe", "broken encoding"),
        (b"1,1,4.0,10\x0000", "broken encoding"),
        (b'1,"1,4.0,1000', "unclosed quote"),
        (b"userId,movieId,rating,timestamp", "unknown movie"),
        (b"7,1,2.0,2000", "repeated"),
    ],
)
def test_a_rating_that_cannot_be_is_named_and_the_rest_loads(row: bytes, reason: str, tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, movies=MOVIES, ratings=HEADER + GOOD + row + b"\n8,2,3.0,1001\n")
    loaded = list(dataset.ratings())
    assert loaded[0][0] == "7"
    assert loaded[-1][0] == "8"
    assert [(row.file, row.line, row.reason) for row in dataset.report.rows] == [("ratings.csv", 3, reason)]
    assert dataset.report.counts == {reason: 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b",Nameless (1990),Drama", "no movie"),
        (b"5,,Drama", "no title"),
        (b"5,   ,Drama", "no title"),
        (b"1,Brass Otter (1984),Drama", "repeated"),
        (b"5.5,Half (1990),Drama", "bad number"),
        (b"5,Torn \xc3 Page \x80 (1990),Drama", "broken encoding"),
        (b"5,Too, Many (1990),Drama", "wrong number of columns"),
    ],
)
def test_a_film_that_cannot_be_is_named_and_the_rest_loads(row: bytes, reason: str, tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, movies=MOVIES + row + b"\n6,Last (1999),Drama\n", ratings=HEADER + GOOD)
    assert [movie.id for movie in dataset.movies()] == ["1", "2", "3", "4", "6"]
    assert [(row.file, row.line, row.reason) for row in dataset.report.rows] == [("movies.csv", 6, reason)]


def test_tags_and_links_of_unknown_films_are_named(tmp_path: Path) -> None:
    dataset = dataset_of(
        tmp_path,
        movies=MOVIES,
        ratings=HEADER + GOOD,
        tags=b"userId,movieId,tag,timestamp\n1,99,odd,1\n,1,odd,1\n1,1, ,1\n1,1,fine,1\n",
        links=b"movieId,imdbId,tmdbId\n99,0000001,1\n1,abc,1\n2,tt0000002,862.0\n",
    )
    films = {movie.id: movie for movie in dataset.movies()}
    assert films["1"].tags == ("fine",)
    assert (films["1"].imdb_id, films["2"].imdb_id, films["2"].tmdb_id) == (None, "tt0000002", "862")
    assert [(row.file, row.line, row.reason) for row in dataset.report.rows] == [
        ("links.csv", 2, "unknown movie"),
        ("links.csv", 3, "bad number"),
        ("tags.csv", 2, "unknown movie"),
        ("tags.csv", 3, "no user"),
        ("tags.csv", 4, "no tag"),
    ]


def test_repeated_ratings_are_found_also_when_users_come_mixed(tmp_path: Path) -> None:
    content = HEADER + b"1,1,4,10\n2,1,4,10\n1,2,4,10\n2,1,5,20\n1,1,4,10\n"
    dataset = dataset_of(tmp_path, movies=MOVIES, ratings=content)
    assert len(list(dataset.ratings())) - dataset.repeated_ratings == 3
    assert [(row.line, row.reason) for row in dataset.report.rows] == [(5, "repeated"), (6, "repeated")]


def test_repeated_ratings_are_found_among_more_users_than_are_kept_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.datasets.ratings._LIVE_USERS", 3)
    once = [f"{user},{film},4.0,{film}\n" for film in (1, 2) for user in range(1, 12)]
    content = HEADER + "".join(once + once[:5]).encode()
    dataset = dataset_of(tmp_path, movies=MOVIES, ratings=content)
    assert len(list(dataset.ratings())) - dataset.repeated_ratings == 22
    assert dataset.report.counts == {"repeated": 5}


def test_ids_written_as_floats_are_the_ids(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, movies=MOVIES, ratings=HEADER + b"7.0,1.0,4.0,1000.0\n7,1,4.0,1000\n")
    assert [(user, rating.movie_id) for user, rating in dataset.ratings()] == [("7", "1"), ("7", "1")]
    assert dataset.report.counts == {"repeated": 1}


def test_latin_1_is_read_as_such_and_one_torn_line_of_utf_8_is_set_aside(tmp_path: Path) -> None:
    latin = "movieId,title,genres\n1,Amélia (1990),Drama\n2,Café (1991),Drama\n".encode("latin-1")
    dataset = dataset_of(tmp_path / "a", movies=latin, ratings=HEADER + GOOD)
    assert [movie.title for movie in dataset.movies()] == ["Amélia (1990)", "Café (1991)"]
    mixed = "movieId,title,genres\n1,Amélia (1990),Drama\n".encode() + b"2,Caf\xe9 (1991),Drama\n"
    dataset = dataset_of(tmp_path / "b", movies=mixed, ratings=HEADER + GOOD)
    assert [movie.title for movie in dataset.movies()] == ["Amélia (1990)"]
    assert dataset.report.counts == {"broken encoding": 1}


def test_reading_again_does_not_report_twice(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, movies=MOVIES, ratings=HEADER + GOOD + b"1,99,4.0,1000\n")
    for _time in range(2):
        assert len(list(dataset.movies())) == 4
        assert len(list(dataset.ratings())) == 1
        assert len(dataset.report) == 1


def test_the_report_is_a_table_that_no_spreadsheet_runs(tmp_path: Path) -> None:
    bad = b'"=HYPERLINK(""http://example.org"")",99,4.0,1\n"@x",99,4.0,1\n\t-1+2,99,4.0,1\n1,99,\x07,1\n'
    dataset = dataset_of(tmp_path, movies=MOVIES, ratings=HEADER + bad)
    assert list(dataset.ratings()) == []
    dataset.report.write_report(tmp_path / "report.csv")
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as lines:
        header, *body = csv.reader(lines)
    assert header == ["file", "line", "reason", "row"]
    assert [row[:3] for row in body] == [["ratings.csv", str(line), "unknown movie"] for line in (2, 3, 4, 5)]
    for *_rest, cell in body:
        assert cell.isprintable()
        assert not cell.lstrip().startswith(("=", "+", "-", "@"))


def test_a_report_stays_small_and_says_how_much_it_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "KEPT", 3)
    report = LoadReport()
    for line in range(10):
        report.add("ratings.csv", line, "no user", "x" * 1000)
    report.write_report(tmp_path / "report.csv")
    lines = (tmp_path / "report.csv").read_text().splitlines()
    assert report.counts == {"no user": 10}
    assert len(lines) == 1 + 3 + 1
    assert "7 more rows were set aside" in lines[-1]
    assert max(map(len, lines)) < 300


@given(st.binary(max_size=2000))
@settings(max_examples=150, deadline=None)
def test_any_bytes_after_the_header_are_either_a_rating_or_in_the_report(content: bytes) -> None:
    report = LoadReport()
    pieces = [HEADER + content]
    table = recognise("ratings.csv", [HEADER.decode().strip()])
    assert table is not None
    cut = list(rows(numbered_lines(pieces, "utf-8"), table, report))
    blank = sum(
        1
        for _first, lines in numbered_lines(pieces, "utf-8")
        for line in lines
        if not line or (isinstance(line, str) and line.isspace()) or (isinstance(line, bytes) and line.isspace())
    )
    total = sum(len(lines) for _first, lines in numbered_lines(pieces, "utf-8"))
    assert len(cut) + len(report) + blank + 1 == total


@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), max_size=30), st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_lines_and_their_numbers_do_not_depend_on_the_size_of_blocks(lines: list[bytes], size: int) -> None:
    content = b"\n".join([b"#", *lines])
    whole = [line for _first, block in numbered_lines([content], "latin-1") for line in block]
    pieces: list[bytes] = []
    for line in content.splitlines(keepends=True) if b"\r" not in content else [content]:
        if pieces and len(pieces[-1]) < size:
            pieces[-1] += line
        else:
            pieces.append(line)
    numbered = [
        (number, line) for first, block in numbered_lines(pieces, "latin-1") for number, line in enumerate(block, first)
    ]
    assert numbered == list(enumerate(whole, 1))


def test_a_file_larger_than_a_block_is_cut_at_ends_of_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.datasets.lines.BLOCK", 7)
    path = tmp_path / "long.csv"
    path.write_bytes(b"\xef\xbb\xbfone\r\nand two\r\n\r\nthree hundred\r\nfour")
    with path.open("rb") as stream:
        numbered = [
            (number, line)
            for first, block in numbered_lines(blocks(stream, "long.csv"), "utf-8")
            for number, line in enumerate(block, first)
        ]
    assert numbered == [(1, "one"), (2, "and two"), (3, ""), (4, "three hundred"), (5, "four")]
