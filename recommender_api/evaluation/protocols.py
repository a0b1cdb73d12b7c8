"""Which ratings a model may learn from, and which it is asked about afterwards.

Every protocol turns data into a `Split`. A protocol is a frozen dataclass, so its parameters can be written beside a
model: a version that was fitted on one split is never tested on another. No model, no metric in here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from recommender_api.data import TIMESTAMPS, TrainingData
from recommender_api.evaluation.splits import Split, describe, next_film, ranking_cases, rating_cases
from service_kit.errors import InvalidRequest


class EvaluationProtocol(Protocol):
    name: ClassVar[str]

    def split(self, data: TrainingData) -> Split: ...


EVERYBODY = 10**9  # as a number of validation users


@dataclass(frozen=True)
class LeaveOneOut:
    """A user's last film is the test, the second-last of some users the validation, all before it is for training.

    This is the split of the published full-ranking figures: films rated less than `min_ratings` times are left out of
    the queries and of the ranking (models may still learn from what came before the held-out film). The second-last
    films of the other users are trained on. Users with fewer than three such films are trained on whole.
    """

    name: ClassVar[str] = "leave-one-out"
    train_on_second_last: ClassVar[bool] = True

    min_ratings: int = 5
    validation_users: int = 512
    seed: int = 42

    def split(self, data: TrainingData) -> Split:
        frequent = np.bincount(data.items, minlength=data.n_items) >= self.min_ratings  # (V,)
        row_of = np.flatnonzero(frequent[data.items])  # (M,) rows of `data` that `played` kept
        played = data.select(frequent[data.items])
        from_end = played.from_end()  # (M,)
        long_enough = (np.diff(played.offsets) >= 3)[played.users]
        drawn = draw_users(data.user_ids, self.validation_users, self.seed)[played.users]
        test = np.flatnonzero(long_enough & (from_end == 0))
        validation = np.flatnonzero(long_enough & (from_end == 1) & drawn)
        held_out = validation if self.train_on_second_last else np.flatnonzero(long_enough & (from_end == 1))
        first_held_out = np.full(data.n_users, len(data))
        for rows in (test, held_out):  # in this order: the second-last film comes before the last
            first_held_out[played.users[rows]] = row_of[rows]
        return Split(
            description=describe(self, data),
            train=data.select(np.arange(len(data)) < first_held_out[data.users]),
            candidates=frequent,
            validation=[next_film(played, int(row)) for row in validation],
            test=[next_film(played, int(row)) for row in test],
        )


@dataclass(frozen=True)
class Strict(LeaveOneOut):
    """Leave-one-out where nobody's second-last film is trained on, as SASRec's own code does it; all validate."""

    name: ClassVar[str] = "strict"
    train_on_second_last: ClassVar[bool] = False

    validation_users: int = EVERYBODY


@dataclass(frozen=True)
class TimeCut:
    """Learn from the past, be asked about the future: one moment for everybody, nothing later is trained on.

    For users with a history before the cut, every film they rated after it is to be found in the ranking; every
    rating after it is to be predicted. A film that nobody had rated before the cut stays a candidate. Raises
    InvalidRequest for data without times.
    """

    name: ClassVar[str] = "time"

    train_share: float = 0.8  # of all ratings, by time
    validation_share: float = 0.1

    def split(self, data: TrainingData) -> Split:
        if TIMESTAMPS in data.implied:
            raise InvalidRequest("The data has no times, so it cannot be split by time; take leave-one-out or strict.")
        shares = [self.train_share, self.train_share + self.validation_share]
        cut, test_cut = np.quantile(data.timestamps, shares, method="higher") if len(data) else (0, 0)
        before, later = data.timestamps < cut, data.timestamps >= test_cut
        return Split(
            description=describe(self, data),
            train=data.select(before),
            candidates=np.ones(data.n_items, bool),
            validation=ranking_cases(data, before, ~before & ~later),
            test=ranking_cases(data, ~later, later),
            rating_test=rating_cases(data, later),
        )


@dataclass(frozen=True)
class RandomFilms:
    """A random share of every user's films is to be found, wherever in their history they stand: blind to order.

    On MovieLens much of what comes next is the order of the page on which people rated; here that order tells nothing
    about the question, though a model may still read it in the history. Films rated less than `min_ratings` times are
    left out of the queries and of the ranking; of some users a further share is the validation.
    """

    name: ClassVar[str] = "random"

    test_share: float = 0.2  # of each user's films
    validation_share: float = 0.1
    validation_users: int = 512
    min_ratings: int = 5
    seed: int = 42

    def split(self, data: TrainingData) -> Split:
        frequent = (np.bincount(data.items, minlength=data.n_items) >= self.min_ratings)[data.items]  # (N,)
        position, count = self._shuffled(data, frequent)
        test = frequent & (position < np.floor(self.test_share * count))
        drawn = draw_users(data.user_ids, self.validation_users, self.seed)[data.users]
        validation = frequent & ~test & drawn & (position < np.floor((self.test_share + self.validation_share) * count))
        train = ~test & ~validation
        return Split(
            description=describe(self, data),
            train=data.select(train),
            candidates=np.bincount(data.items, minlength=data.n_items) >= self.min_ratings,
            validation=ranking_cases(data, train & frequent, validation),
            test=ranking_cases(data, ~test & frequent, test),
        )

    def _shuffled(self, data: TrainingData, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Each row's place (N,) in a random order of its user's rows under the mask, and how many those are (N,)."""
        keys = np.random.default_rng(self.seed).random(len(data))
        order = np.lexsort((keys, ~among, data.users))  # user by user, the rows under the mask first
        position = np.empty(len(data), np.int64)
        position[order] = np.arange(len(data)) - data.offsets[data.users[order]]
        return position, np.bincount(data.users[among], minlength=data.n_users)[data.users]


@dataclass(frozen=True)
class RandomRatings:
    """A random share of all ratings is to be predicted. Training sees later ratings: report `time` beside it."""

    name: ClassVar[str] = "random-ratings"

    test_share: float = 0.3
    seed: int = 42

    def split(self, data: TrainingData) -> Split:
        in_test = np.zeros(len(data), bool)
        order = np.random.RandomState(self.seed).permutation(len(data))
        in_test[file_order(data)[order[len(data) - round(self.test_share * len(data)) :]]] = True
        return Split(
            description=describe(self, data),
            train=data.select(~in_test),
            candidates=np.ones(data.n_items, bool),
            rating_test=rating_cases(data, in_test),
        )


# Those that `marquee evaluate` offers: they ask for films. `time` also asks for ratings, else `RandomRatings` does.
PROTOCOLS: dict[str, type[LeaveOneOut] | type[Strict] | type[TimeCut] | type[RandomFilms]] = {
    protocol.name: protocol for protocol in (LeaveOneOut, Strict, TimeCut, RandomFilms)
}


def draw_users(user_ids: Sequence[str], count: int, seed: int) -> np.ndarray:
    """Mask (U,) of at most `count` users, the same for every model.

    The numbers drawn from 0 .. U-1 are read as 1-based positions in the natural order of the ids (2 before 10), so on
    ML-1M they are user ids, as in other people's splits; a drawn 0 is nobody. EVERYBODY draws all.
    """
    if count >= EVERYBODY:
        return np.ones(len(user_ids), bool)
    drawn = np.zeros(len(user_ids), bool)
    numbers = np.random.RandomState(seed).choice(len(user_ids), min(count, len(user_ids)), replace=False)
    drawn[natural_order(user_ids)[numbers[numbers > 0] - 1]] = True
    return drawn


def natural_order(ids: Sequence[str]) -> np.ndarray:
    """Positions (n,) of the ids by length, then text: numbers in the order of their values."""
    return np.array(sorted(range(len(ids)), key=lambda at: (len(ids[at]), ids[at])), np.int64)


def file_order(data: TrainingData) -> np.ndarray:
    """Rows (N,) of the data by user number, then film number: the order of the lines in MovieLens' ratings.csv."""

    def rank(ids: Sequence[str]) -> np.ndarray:
        ranks = np.empty(len(ids), np.int64)
        ranks[natural_order(ids)] = np.arange(len(ids))
        return ranks

    return np.lexsort((rank(data.vocabulary.ids)[data.items], rank(data.user_ids)[data.users]))
