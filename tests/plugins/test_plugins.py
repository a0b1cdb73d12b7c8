"""Packages that offer rankers: found by name, refused where they are broken or their name is taken."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest

from recommender_api.client import HistoryColumns, PredictQuery, RankQuery
from recommender_api.engine import RecommenderEngine
from recommender_api.model_files import activate, save_version
from recommender_api.models.registry import (
    RANKERS,
    options_class,
    ranker_class,
    ranker_names,
    refused_plugins,
)
from recommender_api.models.transitions import Transitions
from recommender_api.testing.checkerboard import checkerboard
from service_kit.errors import ModelUnavailable

WHOLE = """
from dataclasses import dataclass
from typing import ClassVar
import numpy as np

@dataclass(frozen=True)
class Options:
    speed: int = 1

class Good:
    name: ClassVar[str] = "good"
    def __init__(self, vocabulary):
        self.vocabulary, self.options = vocabulary, Options()
    @classmethod
    def fit(cls, data, options=None):
        return cls(data.vocabulary)
    def scores(self, query):
        return np.arange(len(self.vocabulary), dtype=np.float32)
    def predict(self, query, items):
        return None
    def save(self, folder):
        (folder / "config.json").write_text("{}")
    @classmethod
    def load(cls, folder, vocabulary):
        return cls(vocabulary)
"""
ASKED = RankQuery(history=HistoryColumns(ids=("film-00",), ratings=(5.0,), timestamps=(1,)), k=3)


def test_a_package_s_ranker_is_found_by_its_name(package):
    package("good-films", "good", "good_films:Good", WHOLE)
    assert "good" in ranker_names()
    assert set(RANKERS) < set(ranker_names())
    assert ranker_class("good").name == "good"
    assert options_class("good")().speed == 1
    assert not refused_plugins()


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
        ("raise OSError('no disk')", "OSError: no disk"),
        ("class Good", "SyntaxError"),
        ("", "AttributeError"),
        ("class Good: name = 'good'", "has no fit, scores, predict, save, load"),
        (WHOLE.replace('"good"', '"better"'), "calls itself 'better'"),
        (WHOLE.replace("class Options", "class Settings").replace("Options()", "Settings()"), "no dataclass Options"),
    ],
)
def test_a_broken_package_is_named_in_one_sentence_when_it_is_asked_for(package, code, why):
    package("bad-films", "good", "bad_films:Good", code)
    with pytest.raises(ModelUnavailable, match="The ranker good of the package bad-films cannot be used: ") as raised:
        options_class("good")
    assert why in str(raised.value)
    assert ranker_class("transitions") is Transitions


def test_two_packages_with_one_name_are_both_refused_by_their_names(package):
    package("first-films", "good", "first_films:Good", WHOLE)
    package("other-films", "good", "other_films:Good", WHOLE)
    assert "good" not in ranker_names()
    with pytest.raises(ModelUnavailable, match="The packages first-films and other-films both offer a ranker good"):
        ranker_class("good")


def test_a_package_cannot_take_the_place_of_a_ranker_that_is_here(package, ready_home, marquee):
    package("good-films", "transitions", "good_films:Good", WHOLE)
    assert ranker_class("transitions") is Transitions
    warned = marquee("models", "list").err
    assert "The ranker transitions of good-films is not used: marquee-recommender has a transitions itself." in warned


def test_a_name_that_could_leave_its_folder_is_refused(package):
    package("good-films", "../up", "good_films:Good", WHOLE)
    assert "../up" not in ranker_names()
    with pytest.raises(ModelUnavailable, match="a name is a-z"):
        ranker_class("../up")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (WHOLE.replace("return np.arange", "return 1 / 0 + np.arange"), "ZeroDivisionError"),
        (WHOLE.replace("np.arange(len(self.vocabulary)", "np.arange(2"), r"\(2,\)"),
        (WHOLE.replace("return np.arange", "return np.nan * np.arange"), "not numbers"),
        (WHOLE.replace("return None", "return query.no_such_thing"), "AttributeError"),
    ],
)
def test_one_that_fails_while_it_serves_is_unavailable_like_any_model(package, tmp_path, code, why):
    package("bad-films", "good", "bad_films:Good", code)
    stored = save_version(tmp_path, ranker_class("good").fit(checkerboard()), {})
    activate(tmp_path, "good", stored.version)
    engine = RecommenderEngine(tmp_path, poll_s=60)
    predict = partial(engine.predict, PredictQuery(history=ASKED.history, items=("film-01",)))
    ask = predict if "no_such_thing" in code else partial(engine.rank, ASKED)
    try:
        with pytest.raises(ModelUnavailable, match=why):
            ask()
    finally:
        engine.close()


def test_one_that_fails_while_it_is_explained_is_unavailable_too_and_still_ranks(package, tmp_path):
    code = WHOLE.replace("return np.arange", "return 1 / len(query.items) * np.arange")
    package("bad-films", "good", "bad_films:Good", code)
    stored = save_version(tmp_path, ranker_class("good").fit(checkerboard()), {})
    activate(tmp_path, "good", stored.version)
    engine = RecommenderEngine(tmp_path, poll_s=60)
    try:
        with pytest.raises(ModelUnavailable, match="ZeroDivisionError"):  # without its only film
            engine.rank(ASKED.model_copy(update={"explain": 2}))
        assert len(engine.rank(ASKED).items) == 3
    finally:
        engine.close()


def test_a_server_starts_and_goes_on_when_the_active_model_s_package_cannot_load_or_is_gone(package, tmp_path):
    package("bad-films", "good", "bad_films:Good", WHOLE)
    trusted = save_version(tmp_path, Transitions.fit(checkerboard()), {})
    stored = save_version(tmp_path, ranker_class("good").fit(checkerboard()), {})
    activate(tmp_path, "good", stored.version)
    ranker_class("good").load = classmethod(lambda *_: 1 / 0)
    engine = RecommenderEngine(tmp_path, poll_s=60)
    try:
        with pytest.raises(ModelUnavailable, match="package bad-films cannot be used: ZeroDivisionError"):
            engine.rank(ASKED)
        assert engine.models()[0].problem
        activate(tmp_path, "transitions", trusted.version)
        engine.reload()
        assert engine.rank(ASKED).model == "transitions"
    finally:
        engine.close()


def test_serving_our_own_models_looks_for_no_packages(tmp_path):
    """Their metadata is some hundred files."""
    stored = save_version(tmp_path, Transitions.fit(checkerboard()), {})
    activate(tmp_path, "transitions", stored.version)
    code = (
        "import importlib.metadata as m, pathlib\n"
        "real = m.entry_points\n"
        "def entry_points(**asked):\n"
        "    assert asked.get('group') != 'marquee.rankers', 'looked'\n"
        "    return real(**asked)\n"
        "m.entry_points = entry_points\n"
        "from recommender_api.engine import RecommenderEngine\n"
        "from recommender_api.client import RankQuery\n"
        f"engine = RecommenderEngine(pathlib.Path({str(tmp_path)!r}))\n"
        "print(engine.rank(RankQuery(k=1)).model)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "transitions", done.stderr
