"""Are the reasons true? What a recommendation's score loses without the film that is named, and without a random one.

    python -m benchmarks.reasons [--models transitions,bert4rec] [--samples 500]

Over the users and the models in MARQUEE_HOME, and the core's `neighbours`. A sample is one film of somebody's ten best
that a reason is given for: its score is asked again with the first named film taken out of the history, and with a
random one of the same history taken out. `popular` gives no reasons.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean, median
from typing import Protocol

from benchmarks.command import command, in_one_sentence, prepared
from core_api.core import Core
from core_api.explain import MOST_REASONS
from core_api.wishes import Wish
from indexer.types import History
from recommender_api.client import HistoryColumns, RankQuery, Recommender

RATIO_FLOOR, LOWERED_FLOOR = 2.0, 0.95
K = 10
_SHORTEST = 5  # ratings of a history: of fewer the named film and a random one are too often the same
_DEEP = 500  # films in which `neighbours` is looked for again


@dataclass(frozen=True, slots=True)
class Told:
    """One recommendation."""

    movie_id: str
    score: float
    because: tuple[str, ...]


class Subject(Protocol):
    """Whoever recommends and gives reasons."""

    def recommend(self, history: History, *, explain: bool) -> list[Told]: ...

    def score(self, history: History, movie_id: str) -> float: ...


@dataclass(frozen=True)
class Measured:
    samples: int
    with_reasons: float  # share of the recommendations looked at that have one
    named_drop: float  # mean fall of the score without the named film
    random_drop: float  # and without a random film of the same history
    lowered: float  # share of samples whose score falls without the named film
    plain_cpu_ms: float
    explained_cpu_ms: float

    @property
    def ratio(self) -> float:
        """How many times more the named film carries than a random one."""
        return self.named_drop / self.random_drop if self.random_drop > 0 else float("inf")


def measure(subject: Subject, histories: Sequence[History], samples: int = 500, seed: int = 42) -> Measured:
    rng = Random(seed)
    long_enough = [history for history in histories if len(history) >= _SHORTEST]
    named: list[float] = []
    others: list[float] = []
    plain, explained = [], []
    looked_at = reasoned = 0
    for _ in range(4 * samples):  # some recommendations have no reason
        history = rng.choice(long_enough)
        plain.append(_timed(subject, history, explain=False)[0])
        seconds, told = _timed(subject, history, explain=True)
        explained.append(seconds)
        looked_at += len(told)
        carried = [film for film in told if film.because]
        reasoned += len(carried)
        if carried:
            film = rng.choice(carried)
            named.append(film.score - subject.score(without(history, film.because[0]), film.movie_id))
            other = rng.choice(history.movie_ids)
            others.append(film.score - subject.score(without(history, other), film.movie_id))
        if len(named) == samples:
            break
    return Measured(
        len(named),
        reasoned / max(1, looked_at),
        fmean(named),
        fmean(others),
        sum(drop > 0 for drop in named) / len(named),
        1000 * median(plain),
        1000 * median(explained),
    )


class Model:
    """A model of a recommender."""

    def __init__(self, recommender: Recommender, name: str) -> None:
        self._recommender = recommender
        self._name = name

    def recommend(self, history: History, *, explain: bool) -> list[Told]:
        query = RankQuery(history=columns(history), k=K, model=self._name, explain=MOST_REASONS if explain else 0)
        return [Told(item.id, item.score, item.because) for item in self._recommender.rank(query).items]

    def score(self, history: History, movie_id: str) -> float:
        query = RankQuery(history=columns(history), candidates=(movie_id,), k=1, model=self._name)
        return self._recommender.rank(query).items[0].score


class NeighboursOf:
    """The core's own strategy. A film that falls out of the first hundreds counts with the score of the last."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def recommend(self, history: History, *, explain: bool) -> list[Told]:
        answer = self._core.recommend.for_history(history, Wish(k=K, model="neighbours", explain=explain))
        rated = self._core.popular.chart().prior  # a film that nobody has rated has a place, but no score of its own
        return [
            Told(item.movie.id, item.score, tuple(film.id for film in item.because))
            for item in answer.items
            if item.movie.id in rated
        ]

    def score(self, history: History, movie_id: str) -> float:
        answer = self._core.recommend.ranked(history, Wish(k=_DEEP, model="neighbours"))
        scores = {item.movie.id: item.score for item in answer.items}
        return scores.get(movie_id, min(scores.values()))


def without(history: History, movie_id: str) -> History:
    at = history.movie_ids.index(movie_id)
    return History(
        history.movie_ids[:at] + history.movie_ids[at + 1 :],
        history.ratings[:at] + history.ratings[at + 1 :],
        history.timestamps[:at] + history.timestamps[at + 1 :],
    )


def columns(history: History) -> HistoryColumns:
    return HistoryColumns(ids=history.movie_ids, ratings=history.ratings, timestamps=history.timestamps)


def _timed(subject: Subject, history: History, *, explain: bool) -> tuple[float, list[Told]]:
    begun = time.process_time()
    told = subject.recommend(history, explain=explain)
    return time.process_time() - begun, told


def measure_all(models: Sequence[str] | None, samples: int) -> dict[str, Measured]:
    """By name: the stored models (or those named) and `neighbours`."""
    from marquee.use_cases import core_in_process
    from marquee.wiring import read_settings
    from recommender_api.loaded import stored_names
    from recommender_api.settings import RecommenderSettings

    names = models if models is not None else stored_names(read_settings(RecommenderSettings).models_dir)
    with core_in_process(None) as core:
        histories = [history for _, history in core.stores.users.scan()]
        assert core.recommender is not None
        subjects: dict[str, Subject] = {name: Model(core.recommender, name) for name in names}
        subjects["neighbours"] = NeighboursOf(core)
        return {name: measure(subject, histories, samples) for name, subject in subjects.items()}


@in_one_sentence()
def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--models", help="stored ones, with commas between; by default all")
    parser.add_argument("--samples", type=int, default=500, help="for each of them")
    given = parser.parse_args()
    prepared()
    print("| who | samples | with reasons | named / random | lowered | CPU ms plain | CPU ms explained |")
    print("|---|---|---|---|---|---|---|")
    for name, found in measure_all(given.models.split(",") if given.models else None, given.samples).items():
        print(
            f"| {name} | {found.samples} | {found.with_reasons:.0%} | {found.ratio:.1f} | {found.lowered:.1%} "
            f"| {found.plain_cpu_ms:.1f} | {found.explained_cpu_ms:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
