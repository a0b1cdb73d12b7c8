"""BERT4Rec (Sun et al. 2019): a bidirectional transformer that fills in masked films of a history.

To rank, MASK is put behind the liked history and read off there. With `objective` causal the same network guesses the
next film from the ones before (SASRec, Kang and McAuley 2018), read off at the last film; `pretrain_epochs` and
`start_from` train it causally first and masked after.

Changed from the paper: pre-norm blocks; positions counted from the end, so the film to guess always has position 0
whatever the length; attention that fades with distance, at another pace in each head (ALiBi, Press et al. 2022); item
embeddings and output bias that start from counts; no dropout inside attention. What the changes are worth is measured
in docs/decisions/050-bert4rec.md. The network and its training are in `recommender_api.transformer`; here is what
makes them a `Ranker`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch

from recommender_api.data import TrainingData
from recommender_api.liking import liked
from recommender_api.models.base import Query
from recommender_api.models.watching import Watch
from recommender_api.transformer.devices import choose_device
from recommender_api.transformer.network import Network
from recommender_api.transformer.objectives import pad_right
from recommender_api.transformer.options import Options
from recommender_api.transformer.trainer import fit
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
from service_kit.errors import InvalidRequest, ModelUnavailable

__all__ = ["Bert4Rec", "Facts", "Options"]

_AT_ONCE = 32  # histories that a CPU works on together: more no longer fit into its cache


@dataclass(frozen=True)
class Facts:
    """What training found out and serving needs, beside the weights."""

    epochs_trained: int  # of the kept weights
    mean_rating: float  # of all users: a short history's own mean is drawn to it
    cpu_seconds: float = 0.0  # of training, validation excluded, that of the version it started from included


class Bert4Rec:
    """The network behind the `Ranker` protocol."""

    name: ClassVar[str] = "bert4rec"
    refit_is_cheap: ClassVar[bool] = False
    gives_logits: ClassVar[bool] = True  # `blend` reads it
    keeps_checkpoint: ClassVar[bool] = True  # an interrupted training of it can be resumed

    def __init__(self, network: Network, vocabulary: Vocabulary, options: Options, facts: Facts) -> None:
        self.network = network.eval()
        self.vocabulary = vocabulary
        self.options = options
        self.facts = facts
        self._threads: int | None = None  # of PyTorch for one call; None: as the process has it

    @classmethod
    def fit(cls, data: TrainingData, options: Options) -> Self:
        return cls.fit_watched(data, options, Watch())

    @classmethod
    def fit_watched(cls, data: TrainingData, options: Options, watch: Watch) -> Self:
        earlier = cls._earlier(options, watch)
        spent = earlier.cpu_seconds if earlier else 0.0

        def facts(epochs: int, cpu_seconds: float) -> Facts:
            return Facts(epochs, data.global_mean, spent + cpu_seconds)

        def ranker(network: Network, epochs: int, cpu_seconds: float) -> Bert4Rec:
            return cls(network, data.vocabulary, options, facts(epochs, cpu_seconds))

        start = earlier._network_for(data.vocabulary, options) if earlier and not watch.resume else None
        trained = fit(data, options, watch, start, ranker)
        return cls(trained.network, data.vocabulary, options, facts(trained.epochs, trained.cpu_seconds))

    @classmethod
    def _earlier(cls, options: Options, watch: Watch) -> Self | None:
        """The version that `start_from` names."""
        if not options.start_from:
            return None
        if watch.stored is None:
            raise InvalidRequest("start_from names a stored version; here is no folder of versions to find it in.")
        found = watch.stored(cls.name, options.start_from)
        assert isinstance(found, cls)
        return found

    def _network_for(self, vocabulary: Vocabulary, options: Options) -> Network:
        """This one's network, to go on with. Raises InvalidRequest where films or shape are not the same."""
        if self.vocabulary.ids != vocabulary.ids:
            raise InvalidRequest(
                f"start_from: that version is for {len(self.vocabulary)} other films, the data has {len(vocabulary)}."
            )
        mine, wanted = self.network.state_dict(), Network(len(vocabulary), options).state_dict()
        for name in sorted({*mine, *wanted}):
            if name not in mine or name not in wanted or mine[name].shape != wanted[name].shape:
                raise InvalidRequest(f"start_from: that version has another shape ({name}); give the options it has.")
        return self.network

    @property
    def epochs_trained(self) -> int:
        return self.facts.epochs_trained

    @property
    def cpu_seconds(self) -> float:
        return self.facts.cpu_seconds

    def scores(self, query: Query) -> np.ndarray:
        return np.asarray(self.scores_batch([query])[0])

    def place(self, device: str, threads: int) -> None:
        try:
            self.network.to(choose_device(device))
        except InvalidRequest as error:  # nobody's request: a setting
            raise ModelUnavailable(error.detail) from None
        self._threads = threads

    def scores_batch(self, queries: Sequence[Query]) -> np.ndarray:
        """(B, V) float32 logits. Cheapest when the histories are of like length."""
        if self._threads is not None and torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)  # a thread has its own number, and keeps it
        step = _AT_ONCE if self.network.device.type == "cpu" else max(1, len(queries))
        parts = [self._logits(queries[at : at + step]) for at in range(0, len(queries), step)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    @torch.inference_mode()
    def _logits(self, queries: Sequence[Query]) -> np.ndarray:
        """(B, V)."""
        rows = [self._tokens(query) for query in queries]
        last = torch.tensor([len(row) - 1 for row in rows], device=self.network.device)
        tokens = pad_right(rows, self.network.pad).to(self.network.device)  # (B, T)
        hidden = self.network(tokens, self.options.causal, last)[:, 0]  # (B, D)
        return np.asarray(self.network.logits(hidden).float().cpu())

    def _tokens(self, query: Query) -> np.ndarray:
        """The liked films, latest last, at most `max_length` tokens. Masked: MASK behind them. Never empty."""
        pulls = liked(query.ratings, self.facts.mean_rating, self.options.liked_slack) & ~np.isin(
            query.items, query.avoid
        )
        films = query.items[pulls]
        if self.options.causal and len(films):
            return films[-self.options.max_length :]
        recent = films[max(0, len(films) - self.options.max_length + 1) :]
        return np.append(recent, self.network.mask)

    def predict(self, query: Query, items: np.ndarray) -> np.ndarray | None:  # noqa: ARG002
        return None

    def save(self, folder: Path) -> None:
        write_config(folder, self.options, **asdict(self.facts))
        write_arrays(folder, {name: tensor.cpu().numpy() for name, tensor in self.network.state_dict().items()})

    @classmethod
    def load(cls, folder: Path, vocabulary: Vocabulary) -> Self:
        options, facts = read_config(folder, Options)
        network = Network(len(vocabulary), options)
        wanted = network.state_dict()
        weights = read_arrays(folder, set(wanted))
        check_rows(folder, "the weights", len(weights["output_bias"]), len(vocabulary))
        for name, array in weights.items():
            if array.shape != wanted[name].shape:
                raise ModelFileError(
                    f"{place(folder)}: {name} is {array.shape}, config.json asks for {tuple(wanted[name].shape)}."
                )
        network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
        return cls(network, vocabulary, options, Facts(**facts))
