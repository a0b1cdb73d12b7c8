"""BERT4Rec (Sun et al. 2019): a bidirectional transformer that fills in masked films of a history.

Tokens: rows 0 .. V-1 of the item embedding are the films, V is PAD, V+1 is MASK. PAD and MASK have no output logit, so
they can neither be ranked nor be a target. To rank, MASK is put behind the liked history and read off there.

Changed from the paper: pre-norm blocks; positions counted from the end, so the film to guess always has position 0
whatever the length; attention that fades with distance, at another pace in each head (ALiBi, Press et al. 2022); item
embeddings and output bias that start from counts; no dropout inside attention, which alone is 14 times slower on a CPU.
What the changes are worth is measured in docs/decisions/050-bert4rec.md. The training loop is in `bert4rec_training`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recommender_api.data import TrainingData
from recommender_api.liking import SLACK, liked
from recommender_api.models.base import Query
from recommender_api.models.watching import Watch
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
from service_kit.errors import InvalidRequest


@dataclass(frozen=True)
class Options:
    hidden_size: int = 64  # D, a multiple of heads
    layers: int = 2
    heads: int = 2
    max_length: int = 100  # T, films of a sequence, the masked one included
    dropout: float = 0.1  # on embeddings and block outputs
    mask_probability: float = 0.2  # share of a training sequence that is masked
    last_item_share: float = 0.3  # share of the training sequences in which only the last film is masked
    learning_rate: float = 2e-3  # highest, after the warm-up
    warmup_steps: int = 100
    final_rate: float = 0.05  # share of the learning rate where the cosine ends
    clip_norm: float = 5.0
    start_from_counts: bool = True  # item embeddings begin as factored co-occurrence, not as noise
    batch_size: int = 32
    epochs: int = 24
    validate_every: int = 2  # epochs
    patience: int = 12  # validations without a better one before training stops
    seed: int = 42
    device: str = "auto"  # auto | cpu | cuda | mps
    liked_slack: float = SLACK  # films rated further below the user's own mean do not enter a sequence
    liked_only: bool = True  # so too in training; False learns what is watched, liked or not

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be {low} to {high}, not {getattr(self, name)}")
        if self.hidden_size % self.heads:
            raise ValueError(f"hidden_size {self.hidden_size} must be a multiple of heads {self.heads}")
        if self.device not in ("auto", "cpu", "cuda", "mps"):
            raise ValueError(f"device must be auto, cpu, cuda or mps, not {self.device}")


_RANGES: dict[str, tuple[float, float]] = {  # also what a model file may ask for
    "hidden_size": (1, 4096),
    "layers": (0, 64),
    "heads": (1, 64),
    "max_length": (2, 8192),
    "dropout": (0, 0.9),
    "mask_probability": (0, 0.9),
    "last_item_share": (0, 1),
    "learning_rate": (0, 1),
    "warmup_steps": (0, 10**6),
    "final_rate": (0, 1),
    "clip_norm": (1e-6, 1e6),
    "batch_size": (1, 10**6),
    "epochs": (0, 10**6),
    "validate_every": (1, 10**6),
    "patience": (1, 10**6),
    "liked_slack": (0, 10),
}


@dataclass(frozen=True)
class Facts:
    """What training found out and serving needs, beside the weights."""

    epochs_trained: int  # of the kept weights
    mean_rating: float  # of all users: a short history's own mean is drawn to it


class Block(nn.Module):
    """Pre-norm attention and feed-forward, each added to its input."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        width = options.hidden_size
        self.heads = options.heads
        self.attention_norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.forward_norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, x: Tensor, visible: Tensor) -> Tensor:
        batch, length, width = x.shape
        qkv = self.qkv(self.attention_norm(x)).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, H, T, D/H)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)  # (B, H, T, D/H)
        x = x + self.dropout(self.attention_out(mixed.transpose(1, 2).reshape(batch, length, width)))
        return x + self.dropout(self.down(F.gelu(self.up(self.forward_norm(x)))))  # type: ignore[no-any-return]


class Network(nn.Module):
    """Tokens to hidden states to logits over the films."""

    fading: Tensor

    def __init__(self, n_items: int, options: Options) -> None:
        super().__init__()
        self.n_items, self.pad, self.mask = n_items, n_items, n_items + 1
        self.items = nn.Embedding(n_items + 2, options.hidden_size)
        self.positions = nn.Embedding(options.max_length, options.hidden_size)
        self.blocks = nn.ModuleList(Block(options) for _ in range(options.layers))
        self.norm = nn.LayerNorm(options.hidden_size)
        self.output_bias = nn.Parameter(torch.zeros(n_items))
        self.dropout = nn.Dropout(options.dropout)
        reach = torch.logspace(0.5, 1.5, options.heads)  # (H,) 3 to 32 films until a head's attention is e times less
        self.register_buffer("fading", 1 / reach, persistent=False)

    @property
    def device(self) -> torch.device:
        return self.output_bias.device

    def initialise(self, counts: Tensor, vectors: Tensor, generator: torch.Generator) -> None:
        """All weights anew. `counts` (V,): how often each film was rated; `vectors` (V, D): where embeddings start."""
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.trunc_normal_(parameter, std=0.02, a=-0.04, b=0.04, generator=generator)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.LayerNorm):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
        with torch.no_grad():
            self.items.weight[: self.n_items] += 0.06 * vectors
            self.output_bias.copy_(torch.log((counts + 1.0) / (counts + 1.0).mean()))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, T), padded on the left -> hidden states (B, T, D)."""
        length = tokens.shape[1]
        from_end = torch.arange(length - 1, -1, -1, device=tokens.device)
        x = self.dropout(self.items(tokens) + self.positions(from_end))  # (B, T, D)
        visible = self.visible(tokens)
        for block in self.blocks:
            x = block(x, visible)
        hidden: Tensor = self.norm(x)
        return hidden

    def visible(self, tokens: Tensor) -> Tensor:
        """What is added to the attention scores, (B, H, T, T): minus infinity for padding, less the farther away."""
        at = torch.arange(tokens.shape[1], device=tokens.device)
        distance = (at[:, None] - at[None, :]).abs()  # (T, T)
        faded = -self.fading[:, None, None] * distance  # (H, T, T)
        return faded.masked_fill((tokens == self.pad)[:, None, None, :], -torch.inf)

    def logits(self, hidden: Tensor) -> Tensor:
        """(M, D) -> (M, V): the item embedding again, without the rows of PAD and MASK."""
        return F.linear(hidden, self.items.weight[: self.n_items], self.output_bias)


class Bert4Rec:
    """The network behind the `Ranker` protocol."""

    name: ClassVar[str] = "bert4rec"
    refit_is_cheap: ClassVar[bool] = False

    def __init__(self, network: Network, vocabulary: Vocabulary, options: Options, facts: Facts) -> None:
        self.network = network.eval()
        self.vocabulary = vocabulary
        self.options = options
        self.facts = facts

    @classmethod
    def fit(cls, data: TrainingData, options: Options) -> Self:
        return cls.fit_watched(data, options, Watch())

    @classmethod
    def fit_watched(cls, data: TrainingData, options: Options, watch: Watch) -> Self:
        from recommender_api.models.bert4rec_training import fit  # it needs the network above

        def ranker(network: Network, epochs: int) -> Bert4Rec:
            return cls(network, data.vocabulary, options, Facts(epochs, data.global_mean))

        network, epochs = fit(data, options, watch, ranker)
        return cls(network, data.vocabulary, options, Facts(epochs, data.global_mean))

    @property
    def epochs_trained(self) -> int:
        return self.facts.epochs_trained

    def scores(self, query: Query) -> np.ndarray:
        return np.asarray(self.scores_batch([query])[0])

    @torch.inference_mode()
    def scores_batch(self, queries: Sequence[Query]) -> np.ndarray:
        """(B, V) float32. Cheapest when the histories are of like length."""
        tokens = pad_left([self._tokens(query) for query in queries], self.network.pad)  # (B, T)
        hidden = self.network(tokens.to(self.network.device))[:, -1]  # (B, D), where MASK is
        return np.asarray(self.network.logits(hidden).float().cpu())

    def _tokens(self, query: Query) -> np.ndarray:
        """The liked films, latest last, then MASK: at most `max_length` tokens."""
        pulls = liked(query.ratings, self.facts.mean_rating, self.options.liked_slack) & ~np.isin(
            query.items, query.avoid
        )
        films = query.items[pulls]
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
        return cls(network.to(choose_device("auto")), vocabulary, options, Facts(**facts))


def pad_left(sequences: Sequence[np.ndarray], pad: int) -> Tensor:
    """Token rows of any length -> (B, longest) int64, real tokens at the right end."""
    padded = np.full((len(sequences), max(map(len, sequences))), pad, np.int64)
    for row, sequence in zip(padded, sequences, strict=True):
        row[len(row) - len(sequence) :] = sequence
    return torch.from_numpy(padded)


def choose_device(wanted: str) -> torch.device:
    """`auto` takes a CUDA device where there is one. Raises InvalidRequest for one that this machine does not have."""
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    name = wanted if wanted != "auto" else "cuda" if available["cuda"] else "cpu"
    if not available[name]:
        raise InvalidRequest(f"This machine has no {name} device that torch can use; take --device auto.")
    return torch.device(name)
