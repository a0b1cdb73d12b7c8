"""The training loop of `ncf`: one network for all kinds, Adam, batches drawn at random.

The loss is the one that a user's fold-in minimises too (`ncf.Ncf.user`): each vector's penalty is spread over its
ratings, so that an epoch counts it once. Same seed, same weights. Nothing is written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recommender_api.biases import fit_biases
from recommender_api.data import TrainingData
from recommender_api.liking import SLACK
from recommender_api.models.base import Ranker
from recommender_api.models.factors import SPAN, inverse
from recommender_api.models.folding import LOWEST
from recommender_api.models.item_table import liked_ratings
from recommender_api.models.ncf_network import Facts, Options, shapes
from recommender_api.models.watching import SELECTED_BY, Watch

ATTRIBUTES = ("gender", "age", "occupation")
_START = 0.05  # standard deviation of the first vectors
_TOWER_START = 0.2  # of the tower's: what is near zero passes through it as nothing

Weights = Mapping[str, np.ndarray]
AsRanker = Callable[[Weights, Facts], Ranker]  # to be validated


class Network(nn.Module):
    """z for pairs of a user and a film. Names are those of `ncf_network.shapes`; users are forgotten afterwards."""

    def __init__(self, data: TrainingData, options: Options, told: int) -> None:
        super().__init__()
        self.options = options
        self.kept = nn.ParameterDict(
            {
                name: torch.zeros(shape)
                for name, shape in shapes(options, data.n_items, told).items()
                if name not in ("counts", "everybody")
            }
        )
        self.users = nn.Parameter(torch.zeros(data.n_users, options.width))  # what attributes do not tell
        if options.kind == "plain":
            self.kept["product_head"].requires_grad_(False)

    def initialise(self, biases: np.ndarray, generator: torch.Generator) -> None:
        with torch.no_grad():
            split = 1 + self.options.product
            for vectors in (self.users[:, 1:split], self.kept["product_vectors"]):
                vectors.normal_(0, _START, generator=generator)
            for vectors in (self.users[:, split:], self.kept["tower_vectors"]):
                vectors.normal_(0, _TOWER_START, generator=generator)
            self.kept["biases"].copy_(torch.from_numpy(biases))
            self.kept["product_head"].fill_(1.0)
            for name, weight in self.kept.items():
                if name.endswith("_weight"):
                    weight.normal_(0, (2 / weight.shape[1]) ** 0.5, generator=generator)
            head = self.kept["tower_head"]
            head.normal_(0, max(1, len(head)) ** -0.5, generator=generator)

    def groups(self) -> list[dict[str, object]]:
        """The tower decays; the vectors have penalties of their own."""
        tower = [weight for name, weight in self.kept.items() if name.endswith("_weight")]
        rest = [weight for name, weight in self.kept.items() if not name.endswith("_weight")]
        return [{"params": tower, "weight_decay": self.options.weight_decay}, {"params": [*rest, self.users]}]

    def forward(self, user: Tensor, film: Tensor) -> tuple[Tensor, Tensor]:
        """Users (B, P) and films (B,) to z (B,) without its constant, and the films' own vectors (B, P)."""
        kept, split = self.kept, 1 + self.options.product
        own = torch.cat([kept["biases"][film, None], kept["product_vectors"][film], kept["tower_vectors"][film]], dim=1)
        z = user[:, 0] + own[:, 0] + (user[:, 1:split] * own[:, 1:split]) @ kept["product_head"]
        if self.options.tower:
            hidden = torch.cat([user[:, split:], own[:, split:]], dim=1)
            for layer in range(len(self.options.tower) - 1):
                hidden = F.relu(F.linear(hidden, kept[f"layer{layer}_weight"], kept[f"layer{layer}_bias"]))
            z = z + hidden @ kept["tower_head"]
        return z, own


def train(data: TrainingData, options: Options, watch: Watch, as_ranker: AsRanker) -> tuple[Weights, Facts]:
    """What `ncf` keeps. Learning what is watched, the epoch that is best on validation wins."""
    started, validated = time.process_time(), 0.0
    watched = options.learns == "watched"
    learned = data.select(liked_ratings(data, SLACK)) if watched else data
    told = known_attributes(data) if options.attributes else {}
    generator = torch.Generator().manual_seed(options.seed)
    network = Network(learned, options, len(told))
    network.initialise(_first_biases(learned, options), generator)
    told_of = torch.from_numpy(tell(data, told))  # (U, A)
    counts = np.bincount(learned.items, minlength=learned.n_items).astype(np.float32)

    def kept() -> dict[str, np.ndarray]:
        found = {name: weight.detach().numpy().copy() for name, weight in network.kept.items()}
        everybody = (told_of @ network.kept["attributes"].detach()).mean(dim=0).numpy()
        return found | {"counts": counts, "everybody": everybody.astype(np.float32)}

    def facts(epoch: int) -> Facts:
        return Facts(data.global_mean, told, epoch, time.process_time() - started - validated)

    batches = Batches(learned, options, generator)
    optimizer = torch.optim.Adam(network.groups(), lr=options.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / (options.epochs * len(batches)))
    best, found = -1.0, (kept(), facts(0))
    with watch.progress.task("training ncf", total=options.epochs) as advance:
        for epoch in range(1, options.epochs + 1):
            for batch in batches:
                loss = loss_of(network, batch, told_of, options, data.global_mean)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
            advance(1)
            measured = 0.0
            if watched and watch.validate is not None:
                paused = time.process_time()
                measured = watch.validate(as_ranker(kept(), facts(epoch)))[SELECTED_BY]
                validated += time.process_time() - paused
            if measured > best or watch.validate is None or not watched:
                best, found = measured, (kept(), facts(epoch))
    return found


def _first_biases(data: TrainingData, options: Options) -> np.ndarray:
    """(V,) units of z: what is known of a film before anything about users."""
    if options.learns == "ratings":
        share = (data.global_mean - LOWEST) / SPAN
        return fit_biases(data).films / (SPAN * share * (1 - share))
    counts = np.bincount(data.items, minlength=data.n_items) + 1.0
    return np.asarray(np.log(counts / counts.mean()) - np.log(options.negatives), np.float32)


@dataclass(frozen=True, eq=False)
class Batch:
    users: Tensor  # (B,)
    films: Tensor  # (B,)
    truth: Tensor  # (B,) stars; or 1 for what was watched, 0 for what was drawn
    weight: Tensor  # (B,) 0 for a drawn film that was watched after all
    user_share: Tensor  # (B,) share of the user's penalty that this pair bears
    film_share: Tensor  # (B,)


class Batches:
    """One epoch each time it is gone through."""

    def __init__(self, data: TrainingData, options: Options, generator: torch.Generator) -> None:
        self._options, self._generator, self._films = options, generator, data.n_items
        self._columns = [torch.tensor(column) for column in (data.users, data.items, data.ratings)]
        user_of, film_of, _ = self._columns
        self._shares = [1 / torch.bincount(column).clamp(min=1)[column] for column in (user_of, film_of)]
        self._pairs = torch.sort(user_of * data.n_items + film_of).values  # to look up what was watched

    def __len__(self) -> int:
        return -(-len(self._columns[0]) // self._options.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        order = torch.randperm(len(self._columns[0]), generator=self._generator)
        for rows in torch.split(order, self._options.batch_size):
            users, films, truth, user_share, film_share = (x[rows] for x in (*self._columns, *self._shares))
            if self._options.learns == "ratings":
                yield Batch(users, films, truth, torch.ones_like(truth), user_share, film_share)
            else:
                yield self._with_drawn(users, films, user_share, film_share)

    def _with_drawn(self, users: Tensor, films: Tensor, user_share: Tensor, film_share: Tensor) -> Batch:
        times = self._options.negatives
        again = users.repeat(times)
        drawn = torch.randint(self._films, (len(again),), generator=self._generator)
        pairs = again * self._films + drawn
        at = torch.searchsorted(self._pairs, pairs).clamp(max=len(self._pairs) - 1)
        unseen = (self._pairs[at] != pairs).float()
        ones, zeros = torch.ones_like(user_share), torch.zeros(len(again))
        return Batch(
            torch.cat([users, again]),
            torch.cat([films, drawn]),
            torch.cat([ones, zeros]),
            torch.cat([ones, unseen]),
            torch.cat([user_share, zeros]),
            torch.cat([film_share, zeros]),
        )


def loss_of(network: Network, batch: Batch, told_of: Tensor, options: Options, mean: float) -> Tensor:
    """Half the squared errors in stars, or the logistic loss, and half the penalties; the mean over the batch."""
    own = network.users[batch.users]  # (B, P)
    user = own + told_of[batch.users] @ network.kept["attributes"]
    z, film = network(user, batch.films)
    if options.learns == "ratings":
        stars = LOWEST + SPAN * torch.sigmoid(z + inverse("logistic", mean))
        missed = 0.5 * (stars - batch.truth) ** 2
    else:
        missed = F.binary_cross_entropy_with_logits(z, batch.truth, reduction="none")
    penalties = torch.from_numpy(options.penalties).float()  # (P,)
    penalty = (own**2) @ penalties * batch.user_share + (film**2) @ penalties * batch.film_share
    found: Tensor = (batch.weight * missed + 0.5 * penalty).mean()
    return found


def known_attributes(data: TrainingData) -> dict[str, int]:
    """ "gender=F" and so on -> its row, of everything that is told of some user."""
    found = {f"{name}={of[name]}" for of in data.attributes for name in ATTRIBUTES if of.get(name)}
    return {key: row for row, key in enumerate(sorted(found))}


def tell(data: TrainingData, rows: Mapping[str, int]) -> np.ndarray:
    """(U, A) float32: 1 where this is told of the user."""
    told = np.zeros((data.n_users, len(rows)), np.float32)
    for user, of in enumerate(data.attributes if rows else ()):
        told[user, [rows[key] for name in ATTRIBUTES if (key := f"{name}={of.get(name)}") in rows]] = 1
    return told
