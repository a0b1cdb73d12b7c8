"""The blend keeps the contract of all rankers, learns its weights on validation, and builds on stored versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from recommender_api.evaluation.protocols import LeaveOneOut
from recommender_api.models.base import Query, Ranker
from recommender_api.models.blend import Blend, Options
from recommender_api.models.transitions import Transitions
from recommender_api.models.watching import Watch
from recommender_api.testing.checkerboard import FILMS, checkerboard, query
from recommender_api.testing.ranker_contract import RankerContract
from recommender_api.training import train
from recommender_api.weights import ModelFileError
from service_kit.errors import InvalidRequest

pytestmark = pytest.mark.slow  # as a whole: the fast tests are to end within a minute

COUNTS = "item_knn transitions"


class TestBlend(RankerContract):
    ranker = Blend
    options = Options(epochs=20)
    predicts = False


def weights(members: str, best: Mapping[str, float], cases: Sequence[float] = (1.0,)) -> dict[str, float]:
    """What the search finds where cases like the scores of `best`, a weight a member, so much better than others."""
    data = checkerboard()
    asked = query(0, 2, 1)
    evidence = {m.name: m.evidence([asked])[0] for m in Blend.fit(data, Options(members)).members}
    wanted = sum(best[name] * said for name, said in evidence.items())

    def gains(ranker: Ranker) -> np.ndarray:
        scores = ranker.scores(asked)
        return np.array(cases) * (np.corrcoef(scores, wanted)[0, 1] if scores.std() else 0.0)

    blend = Blend.fit_watched(data, Options(members), Watch(gains=gains))
    return {member.name: member.weight for member in blend.members}


def test_the_weights_are_those_that_validation_likes_best() -> None:
    found = weights(COUNTS, {"item_knn": 1.0, "transitions": 4.0})
    assert found["transitions"] / found["item_knn"] == pytest.approx(4.0, rel=0.25)


def test_a_member_that_does_not_help_is_not_kept() -> None:
    assert list(weights(COUNTS, {"item_knn": 1.0, "transitions": 0.0})) == ["item_knn"]


def test_given_weights_are_taken_as_they_are() -> None:
    blend = Blend.fit_watched(checkerboard(), Options(COUNTS, weights="0.5 1.25"), Watch(gains=lambda _: np.ones(1)))
    assert [member.weight for member in blend.members] == [0.5, 1.25]


def test_what_helps_half_of_the_cases_and_harms_the_others_changes_no_weight() -> None:
    best = {"item_knn": 1.0, "transitions": 4.0}
    assert weights(COUNTS, best, [1.0, -1.0] * 50 + [1.0]) == {"item_knn": 1.0, "transitions": 1.0}


@pytest.mark.parametrize("told", ["1", "1 x", "1 -1", "1 0", "1 nan", "1 1 1"])
def test_weights_that_are_none_are_refused(told: str) -> None:
    with pytest.raises(ValueError, match="weights must be"):
        Options(COUNTS, weights=told)


def test_networks_share_one_vote_where_nothing_tells_them_apart() -> None:
    blend = Blend.fit(checkerboard(), Options("bert4rec bert4rec transitions", epochs=1))
    assert [member.weight for member in blend.members] == [0.5, 0.5, 1.0]


def test_scores_are_the_weighted_sum_of_what_the_members_say() -> None:
    data = checkerboard()
    blend = Blend.fit(data, Options(COUNTS))
    asked = [query(0, 2), query(1, ratings=0.5), Query()]
    said = sum(member.weight * member.evidence(asked) for member in blend.members)
    np.testing.assert_allclose(blend.scores_batch(asked), said, rtol=1e-6)


def test_stored_versions_of_the_same_split_become_members(tmp_path: Path) -> None:
    data, protocol = checkerboard(), LeaveOneOut(min_ratings=1, validation_users=20)
    counts = train("transitions", data, models_dir=tmp_path, protocol=protocol, refit=False).stored
    members = {"members": f"item_knn transitions@{counts.version}"}
    blend = train("blend", data, members, models_dir=tmp_path, protocol=protocol)
    assert blend.stored.metrics["fit_cpu_s"] >= 0
    everything = train("transitions", data, models_dir=tmp_path, protocol=protocol, refit=True).stored
    with pytest.raises(InvalidRequest, match="all ratings"):
        train("blend", data, {"members": f"transitions@{everything.version}"}, models_dir=tmp_path, protocol=protocol)


@pytest.mark.parametrize(
    ("members", "told"), [("blend", "cannot be a member"), ("transitions@20260101", "no folder to find it in")]
)
def test_members_that_cannot_be_are_refused(members: str, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        Blend.fit(checkerboard(), Options(members))


def test_no_member_is_refused_before_anything_is_fitted() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Options("  ")


def test_a_member_whose_files_are_missing_is_told(tmp_path: Path) -> None:
    blend = Blend.fit(checkerboard(), Options("transitions"))
    blend.save(tmp_path)
    (tmp_path / "0.config.json").unlink()
    with pytest.raises(ModelFileError, match=r"member-0/config\.json"):
        Blend.load(tmp_path, blend.vocabulary)


def test_a_blend_of_one_ranks_as_that_one() -> None:
    asked = query(0, 2, 4)
    alone = Transitions.fit(checkerboard()).scores(asked)
    blended = Blend.fit(checkerboard(), Options("transitions")).scores(asked)
    assert len(alone) == FILMS
    np.testing.assert_array_equal(np.argsort(-blended, kind="stable"), np.argsort(-alone, kind="stable"))
