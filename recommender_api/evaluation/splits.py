"""What a model is asked in a test, and the guard that it has not seen the answers: cases, splits, their descriptions.

The rules by which data becomes a split are in `evaluation.protocols`. No model, no metric in here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.models.base import Query
from recommender_api.vocabulary import Vocabulary
from service_kit.errors import InvalidRequest


@dataclass(frozen=True, eq=False)
class RankingCase:
    """Given some of what a user rated, where in the ranking are the other films, or the one that came next?"""

    user: int
    query: Query
    targets: np.ndarray  # (n,) int64 rows of the vocabulary, at least one, never in the query

    @property
    def target(self) -> int:
        """The film of a protocol that asks for one."""
        return int(self.targets[0])


@dataclass(frozen=True, eq=False)
class RatingCase:
    """Given what is known of the user, which ratings would they give?"""

    user: int
    query: Query
    items: np.ndarray  # (n,) int64
    ratings: np.ndarray  # (n,) float32, the truth


@dataclass(frozen=True, eq=False)
class Split:
    description: Mapping[str, Any]  # protocol, its parameters, the data's fingerprint; equal for equal splits
    train: TrainingData  # same rows of films and users as the whole
    candidates: np.ndarray  # (V,) bool: the films that are ranked
    validation: Sequence[RankingCase] = ()
    test: Sequence[RankingCase] = ()
    rating_test: Sequence[RatingCase] = ()


def describe(protocol: Any, data: TrainingData) -> dict[str, Any]:
    return {"protocol": protocol.name, **asdict(protocol), "fingerprint": data.fingerprint}


EVERYTHING: Mapping[str, Any] = {"protocol": None}  # the split of a model that has seen all ratings


def check_vocabulary(model: str, known: Vocabulary, of_data: Vocabulary) -> None:
    """Raises InvalidRequest, with both numbers, unless a model's rows are the data's rows."""
    if known == of_data:
        return
    shared = int(known.known(of_data.ids).sum())
    raise InvalidRequest(
        f"{model} was fitted on {len(known)} films, the data has {len(of_data)}, of which it knows {shared}: "
        "train it on this data."
    )


def check_unseen(name: str, version: str, stored: Mapping[str, Any], split: Split) -> None:
    """Raises InvalidRequest unless the model was fitted on this split's training part, or on less of it."""
    if dict(stored) == dict(split.description) or _sees_less(stored, split.description):
        return
    seen = stored.get("protocol")
    what = (
        f"the training part of another split or data set ({seen})" if seen else "all ratings, as quick models are kept"
    )
    raise InvalidRequest(
        f"{name} {version} was fitted on {what}, so measuring it on {split.description['protocol']} would flatter it; "
        f"`marquee evaluate {name}` fits {name} on the training part and measures that."
    )


def _sees_less(stored: Mapping[str, Any], description: Mapping[str, Any]) -> bool:
    """Whether the first is strict and the second leave-one-out of the same films: that one trains on more."""
    same = all(stored.get(key) == description[key] for key in ("fingerprint", "min_ratings") if key in description)
    return same and (stored.get("protocol"), description["protocol"]) == ("strict", "leave-one-out")


def next_film(data: TrainingData, row: int) -> RankingCase:
    """The film in this row as target, the user's rows before it as query: views, nothing is copied."""
    user = int(data.users[row])
    rows = slice(data.offsets[user], row)
    return RankingCase(
        user, Query(data.items[rows], data.ratings[rows], data.timestamps[rows]), targets=data.items[row : row + 1]
    )


def ranking_cases(data: TrainingData, known: np.ndarray, asked: np.ndarray) -> list[RankingCase]:
    """One case for each user with ratings under both masks (N,): those known are the query, those asked the targets."""
    histories, held_out = data.select(known), data.select(asked)
    return [
        RankingCase(test.user, Query(history.items, history.ratings, history.timestamps), test.items)
        for test in held_out.histories()
        if len((history := histories.history(test.user)).items)
    ]


def rating_cases(data: TrainingData, in_test: np.ndarray) -> list[RatingCase]:
    """One case for each user with ratings under the mask (N,): those are asked, the user's other ratings are known."""
    known, asked = data.select(~in_test), data.select(in_test)
    return [
        RatingCase(
            test.user,
            Query((history := known.history(test.user)).items, history.ratings, history.timestamps),
            test.items,
            test.ratings,
        )
        for test in asked.histories()
    ]
