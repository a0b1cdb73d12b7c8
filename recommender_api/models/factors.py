"""What `mf` and `kmf` share: films as vectors with biases, users folded in from the ratings of the request.

    z(u, i) = constant + b_u + b_i + p_u . q_i
    rating  = z (linear kernel) or 0.5 + 4.5 / (1 + exp(-z)) (logistic kernel)

Only the film side is kept. A user's b_u and p_u minimise the same regularised squared error that training minimised
over everybody (Rendle and Schmidt-Thieme 2008, "Online-updating regularized kernel matrix factorization models"), so
an update comes close to training again, and known and unknown users are answered alike. Films that came after training
are worked out the same way, with the users fixed (`with_new_films`). Numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.models.base import Query
from recommender_api.models.folding import HIGHEST, LOWEST, Local, Pull, logistic, newton, push_away
from recommender_api.vocabulary import Vocabulary
from recommender_api.weights import (
    ModelFileError,
    check_rows,
    place,
    read_arrays,
    read_config,
    write_arrays,
    write_config,
)

SPAN = HIGHEST - LOWEST
KERNELS = ("linear", "logistic")
_STEPS = {"linear": 1, "logistic": 6}  # the linear one is exact at once
_ARRAYS = {"biases", "vectors", "counts"}


@dataclass(frozen=True)
class FactorOptions:
    factors: int = 64  # D
    penalty: float = 12.0  # on the squared length of each vector, against squared stars
    bias_penalty: float = 4.0
    popularity: float = 0.75  # stars that a film gains in the ranking for e times as many ratings
    dislike: float = 0.5  # stars that a film loses in the ranking for being just like one that was disliked
    update_after: int = 1  # a user is worked out anew after this many further ratings
    seed: int = 42

    def __post_init__(self) -> None:
        for name in ("factors", "update_after"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("penalty", "bias_penalty"):
            if not 0 < getattr(self, name) < 1e6:  # without one, films with a single rating have no solution
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")

    @property
    def penalties(self) -> np.ndarray:
        """(D + 1,), of the bias first."""
        return np.array([self.bias_penalty] + [self.penalty] * self.factors)


@dataclass(frozen=True, eq=False)
class FilmFactors:
    """What is learned of V films, in D dimensions."""

    kernel: str  # one of KERNELS
    mean: float  # of all ratings
    biases: np.ndarray  # (V,) float32
    vectors: np.ndarray  # (V, D) float32
    counts: np.ndarray  # (V,) float32, ratings that each rests on

    @property
    def constant(self) -> float:
        """The z of the mean rating."""
        return inverse(self.kernel, self.mean)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        return {"biases": self.biases, "vectors": self.vectors, "counts": self.counts}

    @property
    def rows(self) -> np.ndarray:
        """(V, D + 1) float32: 1 and the vector, so that rows @ (b_u, p_u) is a user's part of z."""
        return np.column_stack([np.ones(len(self.vectors), np.float32), self.vectors])


def inverse(kernel: str, rating: float) -> float:
    """The z that gives this rating."""
    if kernel == "linear":
        return rating
    share = min(max((rating - LOWEST) / SPAN, 0.01), 0.99)
    return float(np.log(share / (1 - share)))


def stars(kernel: str, z: np.ndarray) -> np.ndarray:
    return z if kernel == "linear" else LOWEST + SPAN * logistic(z)


def fold(kernel: str, rows: np.ndarray, offsets: np.ndarray, ratings: np.ndarray, penalties: np.ndarray) -> np.ndarray:
    """(bias, vector) (D + 1,) of one user from T rated films, or of one film from T users who rated it.

    `rows` (T, D + 1) and `offsets` (T,) are the other, fixed side; the penalties (D + 1,) are those of training.
    """

    def near(theta: np.ndarray) -> Local:
        value = stars(kernel, offsets + rows @ theta)
        slope = 1.0 if kernel == "linear" else (value - LOWEST) * (HIGHEST - value) / SPAN
        error = ratings - value
        jacobian = rows * np.reshape(slope, (-1, 1))
        return Local(float(error @ error), jacobian, error + jacobian @ theta)

    return newton(near, penalties, _STEPS[kernel])


def _spread(array: np.ndarray, rows: np.ndarray, length: int) -> np.ndarray:
    """The array with its entries at these rows of a longer one, zeros between them."""
    longer = np.zeros((length, *array.shape[1:]), array.dtype)
    longer[rows] = array
    return longer


class FactorRanker:
    """The film side behind the `Ranker` protocol; `mf` and `kmf` add how it is fitted."""

    name: ClassVar[str]
    options_class: ClassVar[type[FactorOptions]]

    def __init__(self, vocabulary: Vocabulary, options: FactorOptions, films: FilmFactors) -> None:
        self.vocabulary = vocabulary
        self.options = options
        self.films = films
        self._rows = films.rows  # (V, D + 1)
        self._offsets = (films.constant + films.biases).astype(np.float32)  # (V,) z of nobody in particular
        self._prior = options.popularity * np.log1p(films.counts)  # (V,) stars

    def user(self, items: np.ndarray, ratings: np.ndarray) -> np.ndarray:
        """(b_u, p_u) (D + 1,) from T ratings, oldest first: the online update. Zeros without a rating."""
        kept = len(items) - len(items) % self.options.update_after or len(items)
        rows, offsets = self._rows[items[:kept]], self._offsets[items[:kept]]
        return fold(self.films.kernel, rows, offsets, ratings[:kept], self.options.penalties)

    def rate_pairs(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """(N,) ratings that users (N, D + 1) would give films (N,), pair by pair."""
        z = self._offsets[items] + np.einsum("nd,nd->n", self._rows[items], users)
        return np.asarray(np.clip(stars(self.films.kernel, z), LOWEST, HIGHEST))

    def scores(self, query: Query) -> np.ndarray:
        """Predicted rating plus a share of popularity. What was disliked takes no part in the user's vector: it pushes
        films like it away, so that it can lift none."""
        pull = Pull.of(query, self.films.mean)
        found = self._rate(self.user(pull.items, pull.ratings), slice(None)) + self._prior
        return np.asarray(found - self.options.dislike * push_away(self.films.vectors, pull.away), np.float32)  # (V,)

    def predict(self, query: Query, items: np.ndarray) -> np.ndarray:
        rated = self._rate(self.user(query.items, query.ratings), items)
        return np.asarray(np.clip(rated, LOWEST, HIGHEST), np.float32)  # (N,)

    def _rate(self, user: np.ndarray, items: np.ndarray | slice) -> np.ndarray:
        z = self._offsets[items] + self._rows[items] @ user.astype(np.float32)
        return stars(self.films.kernel, z)

    def with_new_films(self, data: TrainingData) -> Self:
        """This model and the films in `data` that it does not know, each worked out from its ratings, users fixed.

        Users are folded in from their ratings of the known films; nothing known changes. For a refresh between two
        trainings. Of `data` the ratings of those who rated a new film are enough.
        """
        films, penalties = self.films, self.options.penalties
        users = self.users(data)  # (U, D + 1)
        rows = np.column_stack([np.ones(len(users)), users[:, 1:]])
        vocabulary = Vocabulary.of((*self.vocabulary.ids, *data.vocabulary.ids))
        at, _ = vocabulary.rows(self.vocabulary.ids)
        biases, vectors, counts = (_spread(part, at, len(vocabulary)) for part in films.arrays.values())
        for film, id in enumerate(data.vocabulary.ids):
            if id in self.vocabulary:
                continue
            rated = data.items == film
            by, ratings = data.users[rated], data.ratings[rated]  # (T,)
            found = fold(films.kernel, rows[by], films.constant + users[by, 0], ratings, penalties)
            row = vocabulary.rows([id])[0]
            biases[row], vectors[row], counts[row] = found[0], found[1:], len(ratings)
        return type(self)(vocabulary, self.options, replace(films, biases=biases, vectors=vectors, counts=counts))

    def users(self, data: TrainingData) -> np.ndarray:
        """(U, D + 1): everybody in `data`, from what they rated of the films known here."""
        users = np.zeros((data.n_users, self.options.factors + 1))
        for history in data.histories():
            ids = [data.vocabulary.ids[item] for item in history.items]
            rows, _ = self.vocabulary.rows(ids)
            users[history.user] = self.user(rows, history.ratings[self.vocabulary.known(ids)])
        return users

    def save(self, folder: Path) -> None:
        films = self.films
        write_config(folder, self.options, kernel=films.kernel, mean_rating=films.mean)
        write_arrays(folder, films.arrays)

    @classmethod
    def load(cls, folder: Path, vocabulary: Vocabulary) -> Self:
        options, facts = read_config(folder, cls.options_class)
        arrays = read_arrays(folder, _ARRAYS)
        for name, array in arrays.items():
            check_rows(folder, name, len(array), len(vocabulary))
            wanted = (len(vocabulary), options.factors) if name == "vectors" else (len(vocabulary),)
            if array.shape != wanted or not np.isfinite(array).all():
                raise ModelFileError(f"{place(folder)}: {name} have the wrong shape or are not finite; train again.")
        if facts.get("kernel") not in KERNELS:
            raise ModelFileError(f"{place(folder)}: there is no kernel {facts.get('kernel')!r}; train again.")
        films = FilmFactors(facts["kernel"], float(facts["mean_rating"]), **arrays)
        return cls(vocabulary, options, films)
