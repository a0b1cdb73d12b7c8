"""Progress on a terminal, in a log, and across a process boundary."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager

import pytest

from marquee import terminal
from marquee.relay import Both, EndedEarly, JsonProgress, show
from marquee.terminal import RichProgress, rate


class Recording:
    """A progress that remembers."""

    def __init__(self):
        self.tasks = []

    @contextmanager
    def task(self, what, total=None):
        entry = {"what": what, "total": total, "done": 0, "state": "running"}
        self.tasks.append(entry)

        def advance(units):
            entry["done"] += units

        try:
            yield advance
            entry["state"] = "done"
        except BaseException:
            entry["state"] = "failed"
            raise


def test_in_a_log_a_task_is_one_line_with_a_rate(capsys):
    with RichProgress() as progress, progress.task("counting sheep", total=1000) as advance:
        for _ in range(10):
            advance(100)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("counting sheep: 1,000 of 1,000 in ")
    assert said.err.endswith("/s)\n")


def test_in_a_log_a_long_task_speaks_up_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(terminal, "SECONDS_BETWEEN_LINES", 0.0)
    with RichProgress() as progress, progress.task("counting sheep", total=3) as advance:
        for _ in range(3):
            advance(1)
    assert [line.split()[2] for line in capsys.readouterr().err.splitlines()] == ["1", "2", "3"]


def test_on_a_terminal_there_is_a_bar_with_a_rate(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with RichProgress() as progress, progress.task("counting sheep", total=500) as advance:
        advance(500)
    shown = capsys.readouterr().err
    assert "counting sheep" in shown
    assert "500/500" in shown


def test_progress_of_a_child_is_shown_by_its_parent():
    pipe, seen = io.StringIO(), Recording()
    told = JsonProgress(pipe)
    with told.task("first", total=10) as first:
        first(4)
        with told.task("second") as second:
            second(1)
        first(6)
    show(io.StringIO(pipe.getvalue()), seen)
    assert seen.tasks == [
        {"what": "first", "total": 10, "done": 10, "state": "done"},
        {"what": "second", "total": None, "done": 1, "state": "done"},
    ]
    assert all(json.loads(line) for line in pipe.getvalue().splitlines())


def test_a_child_that_dies_in_the_middle_leaves_no_task_open():
    seen = Recording()
    with pytest.raises(EndedEarly):
        show(io.StringIO('{"task": 0, "what": "training", "total": 5}\n'), seen)
    assert [task["state"] for task in seen.tasks] == ["failed"]


def test_both_places_see_the_same():
    here, there = Recording(), Recording()

    def work():
        with Both(here, there).task("work", 3) as advance:
            advance(2)
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        work()
    assert here.tasks == there.tasks == [{"what": "work", "total": 3, "done": 2, "state": "failed"}]


def test_a_rate_is_said_the_way_it_reads_well():
    assert [rate(per_second) for per_second in (1234.4, 1, 0.41, 0)] == ["1,234/s", "1/s", "2.4 s each", "0/s"]
