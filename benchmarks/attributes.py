"""Do sex, age and occupation help to say what somebody watches next? `ncf` on MovieLens 1M, with and without them.

    OMP_NUM_THREADS=1 python -m benchmarks.attributes ML1M [--users 1500] [--epochs 4]

ML1M is ml-1m.txt of the SASRec and BERT4Rec repositories with users.dat beside it, or the folder as MovieLens ships it.
1,500 drawn users, leave-one-out, all films ranked, seen ones excluded; `ncf` gmf of what is watched, 16 factors. A
column says how much of a history is told: nothing, the last five films, all. One model learns without attributes, one
with them; that one is asked with those of the user told, and untold. Each cell is a look at the test set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.__main__ import table
from benchmarks.command import command, in_one_sentence
from benchmarks.rankers import read
from recommender_api.data import TrainingData
from recommender_api.evaluation.evaluate import accuracy, rank_all
from recommender_api.evaluation.protocols import LeaveOneOut, draw_users
from recommender_api.evaluation.ranks import Ranks
from recommender_api.evaluation.splits import RankingCase, Split
from recommender_api.evaluation.uncertainty import intervals
from recommender_api.models.base import Query
from recommender_api.models.ncf import Ncf, Options
from recommender_api.sequence_files import read_sequences
from service_kit.errors import InvalidRequest

LENGTHS = {"nothing": 0, "last 5 films": 5, "all": None}
OPTIONS = Options(kind="gmf", learns="watched", factors=16, epochs=4)
HEADER = ("HR@10 / NDCG@10 (95 % interval of NDCG@10), told", *LENGTHS)
ModelOf = Callable[[RankingCase], Ncf]


@dataclass(frozen=True)
class Told:
    """A model that hears of the latest films alone, or of none."""

    model: Ncf
    latest: int | None

    def scores(self, query: Query) -> np.ndarray:
        start = 0 if self.latest is None else max(0, len(query.items) - self.latest)
        return self.model.scores(Query(query.items[start:], query.ratings[start:], query.timestamps[start:]))


def measure(
    data: TrainingData, users: int = 1500, options: Options = OPTIONS, seed: int = 42
) -> Iterator[tuple[str, ...]]:
    """Rows under HEADER. Raises InvalidRequest for data whose users have no attributes."""
    if not any(data.attributes):
        raise InvalidRequest("Nothing is known of these users; name MovieLens 1M, with its users.dat.")
    drawn = draw_users(data.user_ids, users, seed)
    split = LeaveOneOut().split(data.select(drawn[data.users]))
    without = Ncf.fit(split.train, options)
    yield "without attributes", *cells(split, lambda _: without)
    knowing = Ncf.fit(split.train, replace(options, attributes=True))
    yield "with, and told at the request", *cells(split, lambda case: knowing.known_as(data.attributes[case.user]))
    yield "with, not told", *cells(split, lambda _: knowing)


def cells(split: Split, model_of: ModelOf) -> Iterator[str]:
    for latest in LENGTHS.values():
        found = accuracy(ranks(split, model_of, latest))
        low, high = intervals(found)["ndcg@10"]
        yield f"{found['hr@10'].mean():.4f} / {found['ndcg@10'].mean():.4f} ({low:.4f} to {high:.4f})"


def ranks(split: Split, model_of: ModelOf, latest: int | None) -> Ranks:
    """Case by case, each by the model of its user."""
    return Ranks.of(
        [rank_all(Told(model_of(case), latest), [case], split.candidates).ranks.ranks for case in split.test]
    )


@in_one_sentence()
def main() -> None:
    parser = command(__doc__)
    parser.add_argument("data", type=Path, metavar="ML1M", help="ml-1m.txt with users.dat beside it, or a folder")
    parser.add_argument("--users", type=int, default=1500, help="so many are drawn, to learn from and to ask about")
    parser.add_argument("--epochs", type=int, default=OPTIONS.epochs)
    given = parser.parse_args()
    options = replace(OPTIONS, epochs=given.epochs)
    data = read_sequences(given.data) if given.data.is_file() else read(given.data)
    table("Sex, age and occupation", HEADER, measure(data, given.users, options))


if __name__ == "__main__":
    main()
