"""`train` and `evaluate` on a file of one's own: no store, any ids, the cache, and what such data cannot answer."""

from __future__ import annotations

import json
import random

import pytest


@pytest.fixture
def pairs(tmp_path):
    """30 people who each read twelve books, mostly one after the other: "user item" lines."""
    rng, lines = random.Random(3), []
    for user in range(1, 31):
        start = rng.randrange(20)
        lines += [f"{user} {100 + (start + step) % 20}" for step in range(12)]
    path = tmp_path / "books.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_model_is_trained_on_a_file_and_the_second_reading_comes_from_the_cache(home, marquee, pairs):
    trained = marquee("train", "transitions", "--data", str(pairs), "--test", "--json")
    assert trained.code == 0, trained.err
    assert json.loads(trained.out)["metrics"]["test_ndcg@10"] > 0.5
    [entry] = (home / "cache" / "sequences").iterdir()
    first = entry.stat().st_ino
    board = marquee("evaluate", "transitions", "--data", str(pairs), "--json")
    assert board.code == 0, board.err
    figures = {row["model"]: row for row in json.loads(board.out)}
    assert figures["transitions"]["ndcg@10"] > figures["popular"]["ndcg@10"]
    assert "rmse" not in figures["transitions"]
    assert [file.stat().st_ino for file in (home / "cache" / "sequences").iterdir()] == [first]


def test_a_bad_line_is_named_and_nothing_is_kept(home, marquee, pairs):
    pairs.write_text(pairs.read_text() + "31 7 8\n")
    done = marquee("train", "transitions", "--data", str(pairs))
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines()[-1] == "books.txt, line 361: 3 fields, but the first line has 2."
    assert not (home / "models").exists()


def test_data_without_times_is_not_split_by_time(home, marquee, pairs):
    done = marquee("evaluate", "transitions", "--data", str(pairs), "--protocol", "time")
    assert done.code == 1
    assert "The data has no times" in done.err


def test_a_model_of_another_vocabulary_is_refused_with_both_numbers(home, marquee, pairs, tmp_path):
    assert marquee("train", "transitions", "--data", str(pairs)).code == 0
    fewer = tmp_path / "fewer.txt"
    fewer.write_text(
        "".join(line for line in pairs.read_text().splitlines(keepends=True) if not line.endswith(" 119\n"))
    )
    done = marquee("train", "transitions", "--epochs", "0", "--data", str(fewer))
    assert done.code == 1
    assert "was fitted on 20 films, the data has 19, of which it knows 19: train it on this data." in done.err
