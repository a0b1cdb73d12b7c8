"""How close `kmf`'s online update comes to training again, and what it costs (Rendle and Schmidt-Thieme 2008).

    OMP_NUM_THREADS=1 python -m benchmarks.kmf_online EXPORT|DATASET_FOLDER

A fifth of the users (or of the films) is held out whole. The model trained without them works them out from 70 % of
their ratings; the model trained again has learned from those ratings. Both predict the other 30 %. Ratios of RMSE with
95 % bootstrap intervals over the users (films).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.__main__ import table
from benchmarks.command import command, in_one_sentence, takes_export
from benchmarks.rankers import read
from recommender_api.data import TrainingData
from recommender_api.models.factors import KERNELS
from recommender_api.models.kmf import KernelFactorisation, Options
from recommender_api.models.kmf_training import train

HELD_OUT, GIVEN = 0.2, 0.7
RATINGS, ROUNDS = 100, 300  # of the update that is timed
HEADER = ("kernel", "new", "RMSE updated", "RMSE trained again", "ratio", "95 % interval", "CPU ms of an update (99 %)")


@dataclass(frozen=True, eq=False)
class Held:
    """Who or what was held out, and its ratings: known ones and those to be predicted."""

    rest: TrainingData  # nothing of the held out
    given: np.ndarray  # (N,) bool over all ratings
    asked: np.ndarray  # (N,) bool


@dataclass(frozen=True, eq=False)
class Comparison:
    groups: np.ndarray  # (M,) the user or film of each predicted rating
    updated: np.ndarray  # (M,) errors
    trained_again: np.ndarray  # (M,)

    @property
    def ratio(self) -> float:
        return rmse(self.updated) / rmse(self.trained_again)

    def interval(self, draws: int = 1000, seed: int = 42) -> tuple[float, float]:
        _, group = np.unique(self.groups, return_inverse=True)
        sums = np.stack([np.bincount(group, errors**2) for errors in (self.updated, self.trained_again)])  # (2, G)
        rng = np.random.default_rng(seed)
        drawn = np.stack([sums[:, rng.integers(sums.shape[1], size=sums.shape[1])].sum(axis=1) for _ in range(draws)])
        low, high = np.quantile(np.sqrt(drawn[:, 0] / drawn[:, 1]), [0.025, 0.975])
        return float(low), float(high)


def hold_out(data: TrainingData, groups: np.ndarray, count: int, seed: int = 42) -> Held:
    """A fifth of `count` groups, `groups` (N,) being the one of each rating."""
    rng = np.random.default_rng(seed)
    chosen = np.zeros(count, bool)
    chosen[rng.permutation(count)[: round(HELD_OUT * count)]] = True
    held = chosen[groups]
    given = held & (rng.random(len(data)) < GIVEN)
    return Held(data.select(~held), given, held & ~given)


def new_users(data: TrainingData, options: Options) -> Comparison:
    held = hold_out(data, data.users, data.n_users)
    updated = KernelFactorisation.fit(held.rest, options)
    return compare(data, held, data.users, options, updated, updated.users(data.select(held.given)))


def new_films(data: TrainingData, options: Options) -> Comparison:
    held = hold_out(data, data.items, data.n_items)
    before = KernelFactorisation.fit(without_films(held.rest), options)
    updated = before.with_new_films(data.select(~held.asked))
    return compare(data, held, data.items, options, updated, before.users(held.rest))


def compare(
    data: TrainingData,
    held: Held,
    groups: np.ndarray,
    options: Options,
    updated: KernelFactorisation,
    users: np.ndarray,
) -> Comparison:
    """The updated model with its users (U, D + 1), and one that was trained again, with the users of its training."""
    asked = data.select(held.asked)
    films, trained = train(data.select(~held.asked), options)
    again = KernelFactorisation(data.vocabulary, options, films)
    errors = [
        model.rate_pairs(theta[asked.users], asked.items) - asked.ratings
        for model, theta in ((updated, users), (again, trained))
    ]
    return Comparison(groups[held.asked], *errors)


def without_films(data: TrainingData) -> TrainingData:
    """The same ratings with a vocabulary of the films that have some: the others are new to a model fitted on it."""
    ids = data.vocabulary.ids
    return TrainingData.from_columns(
        [data.user_ids[user] for user in data.users], [ids[item] for item in data.items], data.ratings, data.timestamps
    )


def update_ms(data: TrainingData, options: Options) -> tuple[float, float]:
    """Median and 99th percentile of CPU time to work a user out from 100 ratings."""
    model = KernelFactorisation.fit(data, replace(options, epochs=1))
    rng = np.random.default_rng(42)
    taken = []
    for _ in range(ROUNDS):
        rows = rng.integers(len(data), size=RATINGS)
        started = time.process_time()
        model.user(data.items[rows], data.ratings[rows])
        taken.append(1000 * (time.process_time() - started))
    return float(np.median(taken)), float(np.quantile(taken, 0.99))


def rmse(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def measure(data: TrainingData) -> Iterator[tuple[str, ...]]:
    """Rows under HEADER."""
    for kernel in KERNELS:
        options = Options(kernel=kernel)
        median, most = update_ms(data, options)
        for what, held_out in (("users", new_users), ("films", new_films)):
            found = held_out(data, options)
            low, high = found.interval()
            figures = (f"{rmse(found.updated):.4f}", f"{rmse(found.trained_again):.4f}", f"{found.ratio:.4f}")
            update = f"{median:.2f} ({most:.2f})" if what == "users" else "-"
            yield kernel, what, *figures, f"[{low:.4f}, {high:.4f}]", update


@in_one_sentence()
def main() -> None:
    parser = command(__doc__)
    takes_export(parser, or_dataset=True)
    rows = measure(read(parser.parse_args().data))
    table("KMF's online update", HEADER, rows)


if __name__ == "__main__":
    main()
