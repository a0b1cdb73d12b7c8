"""Trees over what is known of a film, of a user, and of the two together. Trained globally, on all users' ratings.

What they see are the groups of columns in `features.pairs`, chosen by name; what learns is one of `features.learners`.
By default gradient boosting over film, user, the per-user ridge of `regression`, and films that are rated alike: a
stack, whose parts describe each training rating out-of-fold. All of it is worked out from the history in the request,
so a new rating counts at once. Predicts ratings; ranks by them plus a share of popularity.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from recommender_api.biases import Biases
from recommender_api.data import DataError, TrainingData
from recommender_api.liking import disliked
from recommender_api.models import regression
from recommender_api.models.base import Query
from recommender_api.models.features.films import genre_flags, read_blocks
from recommender_api.models.features.learners import LEARNERS, Learned
from recommender_api.models.features.neighbours import Neighbours
from recommender_api.models.features.pairs import GROUPS, PairFeatures
from recommender_api.models.regression import HIGHEST, LOWEST
from recommender_api.selection import best
from recommender_api.vocabulary import Vocabulary
from recommender_api.weights import ModelFileError, place, read_config, read_film_arrays, write_arrays, write_config

_GAP = 1e-3
_TASTE = regression.Options()  # the weights of the ridge whose parts the trees see
_ARRAYS = {"offsets": 1, "counts": 1, "spread": 1, "years": 1, "blocks": 2, "near": 2, "likeness": 2, "flags": 2}


@dataclass(frozen=True)
class Options:
    features: str = "film,user,taste,neighbours"  # groups of columns, separated by commas
    learner: str = "boosting"
    rounds: int = 200  # trees of the boosting
    trees: int = 60  # of the forest
    leaf: int = 40  # fewest ratings in a leaf
    folds: int = 10
    rows: int = 1_000_000  # ratings that are learnt from; where there are more, those of users drawn at random
    shortlist: int = 2000  # films that are ranked by the trees in one request
    seed: int = 42
    popularity: float = 0.3  # stars that a film gains in the ranking for e times as many ratings
    avoid: float = 1.5  # stars below expectation that a film to be avoided counts as

    def __post_init__(self) -> None:
        if not self.groups or not set(self.groups) <= set(GROUPS):
            raise ValueError(f"features {self.features!r} are not some of {','.join(GROUPS)}")
        if self.learner not in LEARNERS:
            raise ValueError(f"learner {self.learner!r} is none of {', '.join(LEARNERS)}")
        if self.folds < 2:
            raise ValueError("folds must be at least 2")

    @property
    def groups(self) -> list[str]:
        return [name.strip() for name in self.features.split(",") if name.strip()]


class Forest:
    name: ClassVar[str] = "forest"

    def __init__(
        self,
        vocabulary: Vocabulary,
        options: Options,
        features: PairFeatures,
        learned: Learned,
        ignored_genres: int = 0,
    ) -> None:
        self.vocabulary = vocabulary
        self.options = options
        self.features = features
        self.ignored_genres = ignored_genres  # of films without a rating in the training data, seen nowhere else
        self._learned = learned
        self._prior = options.popularity * np.log1p(features.biases.counts)  # (V,) stars

    @classmethod
    def fit(cls, data: TrainingData, options: Options | None = None) -> Self:
        """Raises DataError for data without a rating. Groups that the data has nothing for are empty."""
        if not len(data):
            raise DataError("There is no rating to learn from; load a data set first.")
        options = options or Options()
        features = features_of(data, options)
        learned = Learned.fit(*training_pairs(data, options, features.penalty), options)
        return cls(data.vocabulary, options, features, learned, genre_flags(data)[1])

    def scores(self, query: Query) -> np.ndarray:
        """The trees rank a shortlist; what a sum of the parts puts behind stays behind, in the order of that sum."""
        total = (self.features.expected(query) + self._prior).astype(np.float64)  # (V,)
        short = best(total, np.ones(len(total), bool), self.options.shortlist)
        ranked = self._never_pulled(query, short) + self._prior[short]
        if len(short) < len(total):
            behind = np.ones(len(total), bool)
            behind[short] = False
            total[behind] -= max(0.0, total[behind].max() - ranked.min()) + _GAP
        total[short] = ranked
        return np.asarray(total, np.float32)  # (V,)

    def _never_pulled(self, query: Query, films: np.ndarray) -> np.ndarray:
        """Ratings (N,). Trees are not monotone: what disliked films have raised is taken back."""
        ratings = self.predict(query, films)
        kept = ~disliked(query.ratings, self.features.biases.mean)
        if len(query.avoid) or not kept.all():
            without = Query(query.items[kept], query.ratings[kept], query.timestamps[kept])
            ratings = np.minimum(ratings, self.predict(without, films))
        return ratings

    def predict(self, query: Query, items: np.ndarray) -> np.ndarray:
        columns = self.features.columns(query, items)
        return np.asarray(np.clip(self._learned.predict(columns), LOWEST, HIGHEST), np.float32)  # (N,)

    def predict_at(self, query: Query, items: np.ndarray, when: np.ndarray) -> np.ndarray:
        """The same for somebody who is asked about item i at second when[i]: matters with the group `time` alone."""
        columns = self.features.columns(query, items, when)
        return np.asarray(np.clip(self._learned.predict(columns), LOWEST, HIGHEST), np.float32)  # (N,)

    def save(self, folder: Path) -> None:
        known = self.features
        write_config(
            folder,
            self.options,
            mean_rating=known.biases.mean,
            blocks=known.blocks.layout,
            penalty=known.penalty,
            ignored_genres=self.ignored_genres,
        )
        write_arrays(
            folder,
            {
                "offsets": known.biases.films,
                "counts": known.biases.counts,
                "spread": known.spread,
                "years": known.years,
                "blocks": known.blocks.matrix,
                "near": known.neighbours.films,
                "likeness": known.neighbours.likeness,
                "flags": known.flags,
            },
        )
        self._learned.save(folder)

    @classmethod
    def load(cls, folder: Path, vocabulary: Vocabulary) -> Self:
        options, facts = read_config(folder, Options)
        arrays = read_film_arrays(folder, _ARRAYS, len(vocabulary))
        near, likeness = arrays["near"], arrays["likeness"]
        if near.shape != likeness.shape or (near.size and not 0 <= near.min() <= near.max() < len(vocabulary)):
            raise ModelFileError(f"{place(folder)}: the table of neighbours is inconsistent; train the model again.")
        features = PairFeatures(
            tuple(options.groups),
            float(facts["penalty"]),
            options.avoid,
            Biases(float(facts["mean_rating"]), arrays["offsets"], arrays["counts"]),
            arrays["spread"],
            arrays["years"],
            read_blocks(folder, facts, arrays["blocks"]),
            Neighbours(near, likeness),
            arrays["flags"],
        )
        learned = Learned.load(folder, options.learner, len(features.names))
        return cls(vocabulary, options, features, learned, facts["ignored_genres"])


def features_of(data: TrainingData, options: Options, penalty: float | None = None) -> PairFeatures:
    return PairFeatures.fit(data, options.groups, _TASTE.weights, avoid=options.avoid, penalty=penalty)


def training_pairs(data: TrainingData, options: Options, penalty: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(columns (M, C), ratings (M,)): each rating as it looked before it was given, as far as folds can say."""
    rng = np.random.default_rng(options.seed)
    if len(data) > options.rows:
        order = rng.permutation(data.n_users)
        up_to = np.cumsum(np.diff(data.offsets)[order])
        drawn = np.zeros(data.n_users, bool)
        drawn[order[: max(1, int(np.searchsorted(up_to, options.rows)))]] = True
        data = data.select(drawn[data.users])
    fold = rng.integers(options.folds, size=len(data))
    described, ratings = [], []
    for held_out in range(options.folds):
        rest, asked = data.select(fold != held_out), data.select(fold == held_out)
        if not len(rest):
            continue
        features = features_of(rest, options, penalty)
        for target in asked.histories():
            past = rest.history(target.user)
            query = Query(past.items, past.ratings, past.timestamps)
            described.append(features.columns(query, target.items, target.timestamps))
            ratings.append(target.ratings)
    return np.concatenate(described), np.concatenate(ratings)
