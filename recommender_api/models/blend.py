"""Several rankers as one: a weighted sum of what each says of a film, the weights learned on validation films.

    score(u, b) = sum over the members m of weight_m evidence_m(u, b)

The evidence of a member that gives logits is the logit, so the sum is a product of experts (Hinton 2002); that of a
member that sums weights, which may be 0 or negative, is asinh(s / scale): a logarithm far from 0, a line near it.
A sequence model, directed counts and EASE, which is blind to order, err on different films: together they rank better
than any alone (docs/decisions/052).

A member is fitted here with `sequence_model` or its own defaults, or is a stored version, "bert4rec@VERSION", that was
fitted on the same split. Only one weight a member is learned on the validation films.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self, cast

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.models.base import PlacedRanker, Query, Ranker
from recommender_api.models.registry import options_class, ranker_class
from recommender_api.models.watching import Watch
from recommender_api.vocabulary import Vocabulary
from recommender_api.weights import ModelFileError, place, read_config, write_config
from service_kit.errors import InvalidRequest

STEPS = (0.0, 0.5, 0.7, 0.85, 1.2, 1.4, 2.0)  # what a weight is multiplied by in the search
ROUNDS = 4  # over all members, at most
SAMPLE = 200  # histories that a member's scale is taken from


@dataclass(frozen=True)
class Options:
    members: str = "bert4rec transitions ease"  # names, or name@version for a stored one
    weights: str = ""  # a number for each member, such as "0.5 1 1.2"; without them they are learned on validation
    epochs: int = 10  # of a sequence model that is fitted here
    seed: int = 42

    def __post_init__(self) -> None:
        if not self.members.split():
            raise ValueError("members must name at least one model")
        if self.weights and len(self.given_weights) != len(self.members.split()):
            raise ValueError(f"weights must be {len(self.members.split())} numbers, one a member, not {self.weights!r}")

    @property
    def given_weights(self) -> list[float]:
        """Raises ValueError for a word that is not a positive number."""
        words = self.weights.split()
        if not all(re.fullmatch(r"\d+(\.\d+)?", word) and float(word) for word in words):
            raise ValueError(f"weights must be positive numbers with spaces between, not {self.weights!r}")
        return [float(word) for word in words]


def sequence_model(options: Options) -> dict[str, Any]:
    """Options of a `bert4rec` that is fitted here: the recipe of decision 052, for a minute instead of an hour."""
    return {
        "objective": "causal",
        "epochs": options.epochs,
        "seed": options.seed,
        "heads": 1,
        "max_length": 200,
        "windows": "one",
        "positions": "none",
        "attention_bias": "relative",
        "convolution": 3,
        "dropout": 0.3,
        "batch_size": 16,
        "learning_rate": 3e-3,
    }


@dataclass(frozen=True)
class Member:
    name: str
    ranker: Ranker
    scale: float  # of scores that are no logits
    weight: float = 1.0

    def evidence(self, queries: Sequence[Query]) -> np.ndarray:
        """(B, V) float32."""
        batch = getattr(self.ranker, "scores_batch", None)
        scores = batch(queries) if batch else np.stack([self.ranker.scores(query) for query in queries])
        return np.asarray(scores if gives_logits(self.ranker) else np.arcsinh(scores / self.scale), np.float32)


def _even(members: Sequence[Member]) -> list[Member]:
    """Weight 1 for each, but those that give logits share one: the search, begun with all ones, drops good networks."""
    logits = sum(gives_logits(member.ranker) for member in members)
    return _with_weights(members, [1 / logits if gives_logits(member.ranker) else 1.0 for member in members])


def _with_weights(members: Sequence[Member], weights: Sequence[float]) -> list[Member]:
    pairs = zip(members, weights, strict=True)
    return [dataclasses.replace(member, weight=weight) for member, weight in pairs]


def gives_logits(ranker: Ranker) -> bool:
    """Whether differences of scores are differences of log-probabilities; a ranker says so in its class."""
    return bool(getattr(ranker, "gives_logits", False))


class Blend:
    name: ClassVar[str] = "blend"
    refit_is_cheap: ClassVar[bool] = False
    gives_logits: ClassVar[bool] = True

    def __init__(self, vocabulary: Vocabulary, options: Options, members: Sequence[Member], cpu_seconds: float) -> None:
        self.vocabulary = vocabulary
        self.options = options
        self.members = members
        self.cpu_seconds = cpu_seconds  # of the training of all members, the stored ones too

    @classmethod
    def fit(cls, data: TrainingData, options: Options) -> Self:
        return cls.fit_watched(data, options, Watch())

    @classmethod
    def fit_watched(cls, data: TrainingData, options: Options, watch: Watch) -> Self:
        """Without validation the weights are even. Raises InvalidRequest for a member that is none."""
        members, seconds = [], 0.0
        for word in options.members.split():
            name, _, version = word.partition("@")
            if name == cls.name:
                raise InvalidRequest("members: a blend cannot be a member of one.")
            started = time.process_time()
            ranker = _stored(name, version, watch) if version else _fit(name, data, options, watch)
            seconds += getattr(ranker, "cpu_seconds", time.process_time() - started)
            members.append(Member(name, ranker, _scale(ranker, data)))
        if options.weights:
            return cls(data.vocabulary, options, _with_weights(members, options.given_weights), seconds)
        blend = cls(data.vocabulary, options, _even(members), seconds)
        if watch.gains is not None and len(members) > 1:
            with watch.progress.task("weighing the members"):
                blend.members = _weighed(blend, watch)
        return blend

    @property
    def epochs_trained(self) -> int:
        return max(getattr(member.ranker, "epochs_trained", 0) for member in self.members)

    def place(self, device: str, threads: int) -> None:
        for member in self.members:
            if isinstance(member.ranker, PlacedRanker):
                member.ranker.place(device, threads)

    def scores(self, query: Query) -> np.ndarray:
        return np.asarray(self.scores_batch([query])[0])

    def scores_batch(self, queries: Sequence[Query]) -> np.ndarray:
        """(B, V) float32."""
        total = np.zeros((len(queries), len(self.vocabulary)), np.float32)
        for member in self.members:
            if member.weight:
                total += np.float32(member.weight) * member.evidence(queries)
        return total

    def predict(self, query: Query, items: np.ndarray) -> np.ndarray | None:  # noqa: ARG002
        return None

    def save(self, folder: Path) -> None:
        """All members' files beside each other, each with its member's number in front."""
        facts = [{"name": m.name, "scale": m.scale, "weight": m.weight} for m in self.members]
        write_config(folder, self.options, members=facts, cpu_seconds=self.cpu_seconds)
        for number, member in enumerate(self.members):
            with TemporaryDirectory() as aside:
                member.ranker.save(Path(aside))
                for file in sorted(Path(aside).iterdir()):
                    shutil.move(file, folder / f"{number}.{file.name}")

    @classmethod
    def load(cls, folder: Path, vocabulary: Vocabulary) -> Self:
        options, facts = read_config(folder, Options)
        try:
            told = [(str(m["name"]), float(m["scale"]), float(m["weight"])) for m in facts["members"]]
            seconds = float(facts["cpu_seconds"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"{place(folder)}: the list of members cannot be read ({error!r}).") from None
        members = []
        for number, (name, scale, weight) in enumerate(told):
            with _files_of(folder, number) as own:
                members.append(Member(name, ranker_class(name).load(own, vocabulary), scale, weight))
        return cls(vocabulary, options, members, seconds)


def _stored(name: str, version: str, watch: Watch) -> Ranker:
    if watch.stored is None:
        raise InvalidRequest(f"members: {name}@{version} is a stored version; here is no folder to find it in.")
    return watch.stored(name, version)


def _fit(name: str, data: TrainingData, options: Options, watch: Watch) -> Ranker:
    kind = ranker_class(name)
    chosen = options_class(name)(**(sequence_model(options) if name == "bert4rec" else {}))
    if hasattr(kind, "fit_watched"):  # its checkpoint would be one of several: a long training is a version of its own
        return cast(Ranker, kind.fit_watched(data, chosen, dataclasses.replace(watch, checkpoint=None)))
    with watch.progress.task(f"fitting {name}"):
        return kind.fit(data, chosen)


def _scale(ranker: Ranker, data: TrainingData) -> float:
    """A tenth of a mean score: below it evidence grows in a line, above it as a logarithm."""
    if gives_logits(ranker) or not data.n_users:
        return 1.0
    users = np.linspace(0, data.n_users - 1, min(SAMPLE, data.n_users)).astype(np.int64)
    histories = [data.history(int(user)) for user in users]
    means = [np.abs(ranker.scores(Query(h.items, h.ratings, h.timestamps))).mean() for h in histories]
    return float(np.mean(means)) / 10 or 1.0


def _weighed(blend: Blend, watch: Watch) -> list[Member]:
    """The members with the weights that rank the validation films best, found one at a time; none with weight 0.

    A weight changes only where that is better by more than a standard error, by NDCG over the whole ranking, to which
    every case speaks: on 500 users the best of a hundred trials by NDCG@10 is worse than even weights (decision 052).
    """
    gains, recalling = watch.gains, _Recalling(blend)
    assert gains is not None

    def measured(weights: Sequence[float]) -> np.ndarray:
        recalling.weights = np.array(weights, np.float32)
        return gains(cast(Ranker, recalling))  # (C,)

    weights = [member.weight for member in blend.members]
    best = measured(weights)
    for _ in range(ROUNDS):
        before = weights
        for number in range(len(weights)):
            for weight in [weights[number] * step for step in STEPS]:
                tried = [*weights[:number], weight, *weights[number + 1 :]]
                if _is_clear((found := measured(tried)) - best):
                    best, weights = found, tried
        if weights == before:
            break
    return [member for member in _with_weights(blend.members, weights) if member.weight]


def _is_clear(rises: np.ndarray) -> bool:
    """Whether the mean of the rises (C,) is above 0 by more than its standard error."""
    return bool(rises.mean() > rises.std() / np.sqrt(len(rises)))


class _Recalling:
    """A blend under trial: what the members say of a query is worked out once, weights change."""

    def __init__(self, blend: Blend) -> None:
        self.blend, self.weights = blend, np.ones(0, np.float32)
        self.said: dict[int, tuple[Query, np.ndarray]] = {}  # by identity; the query is kept, so that it stays its own

    def scores(self, query: Query) -> np.ndarray:
        return np.asarray(self.scores_batch([query])[0])

    def scores_batch(self, queries: Sequence[Query]) -> np.ndarray:
        if new := [query for query in queries if id(query) not in self.said]:
            evidence = np.stack([member.evidence(new) for member in self.blend.members], axis=1)  # (B, M, V)
            self.said |= {id(query): (query, row) for query, row in zip(new, evidence, strict=True)}
        return np.stack([self.weights @ self.said[id(query)][1] for query in queries])


@contextmanager
def _files_of(folder: Path, number: int) -> Iterator[Path]:
    """A folder in which one member's files have the names that it gave them."""
    prefix = f"{number}."
    with TemporaryDirectory() as aside:
        own = Path(aside) / folder.name / f"member-{number}"
        own.mkdir(parents=True)
        for file in folder.iterdir():
            if file.name.startswith(prefix):
                (own / file.name.removeprefix(prefix)).symlink_to(file.resolve())
        yield own
