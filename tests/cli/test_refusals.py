"""A home that cannot be written, a disk that is full: one sentence that names the place and the remedy."""

from __future__ import annotations

import errno
import os

import pytest

from indexer.datasets.find import DEMO
from marquee import refusals


@pytest.mark.parametrize(
    "words",
    [
        ("load", "demo"),
        ("status",),
        ("setup", "--dataset", "demo"),
        ("train", "transitions", "--data", str(DEMO)),
        ("evaluate", "transitions", "--data", str(DEMO)),
    ],
)
def test_a_home_that_cannot_be_made_is_one_sentence(home, marquee, words):
    home.write_text("a file where the folder should be")  # refused to root too
    done = marquee(*words)
    assert (done.code, done.out) == (1, "")
    assert done.err.count("\n") == 1
    assert f"{home}{os.sep}" in done.err
    assert "not a directory" in done.err
    assert "MARQUEE_HOME" in done.err


def test_a_place_that_this_user_may_not_write_is_named():
    told = refusals.sentence(PermissionError(errno.EACCES, "Permission denied", "/data/jobs"))
    assert told is not None
    assert told.startswith("/data/jobs cannot be used (permission denied): ")


def test_a_full_disk_has_no_name_but_a_remedy():
    assert "free some space" in str(refusals.sentence(OSError(errno.ENOSPC, "No space left on device")))


def test_what_a_command_should_have_seen_coming_stays_a_mistake_of_ours(home, marquee, monkeypatch):
    def status(*_):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "/nowhere")

    monkeypatch.setattr("indexer.open.open_stores", status)
    assert marquee("status").err.startswith("This should not happen: FileNotFoundError")
