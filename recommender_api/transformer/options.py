"""The hyperparameters of the sequence model, with the values that each may have."""

from __future__ import annotations

from dataclasses import dataclass

from recommender_api.liking import SLACK


@dataclass(frozen=True)
class Options:
    # The network
    hidden_size: int = 64  # D, a multiple of heads
    layers: int = 2
    heads: int = 2
    widening: int = 4  # the feed-forward layer is so many times wider than D
    max_length: int = 100  # T, tokens that are read at once
    positions: str = "from_end"  # from_end | from_start | none: what a position embedding counts
    attention_bias: str = "fading"  # fading (less with distance, fixed) | relative (learned by distance) | none
    convolution: int = (
        0  # films right before (masked: and after) each whose vectors are mixed into it, by learned weights
    )
    dropout: float = 0.1  # on embeddings and block outputs

    # What is asked of it
    objective: str = "masked"  # masked: fill in what is hidden, see both ways | causal: guess the next, see backwards
    pretrain_epochs: int = 0  # causal ones, before the masked ones begin
    start_from: str = ""  # version of this model whose weights training begins with
    start_from_counts: bool = True  # item embeddings begin as factored co-occurrence, not as noise
    mask_probability: float = 0.2  # share of a training sequence that is masked
    last_item_share: float = 0.3  # share of the training sequences in which only the last film is masked
    windows: str = "all"  # of a sequence longer than T: all of it, cut in pieces | one window an epoch
    random_window: float = 0.5  # with `one`: share of windows from anywhere in the sequence; the others are the latest
    loss: str = "softmax"  # softmax over all films | sampled_softmax | gbce (Petrov and Macdonald 2023)
    negatives: int = 256  # films that a sampled loss compares with, shared by a batch
    calibration: float = 0.75  # of gbce: 0 is plain binary cross-entropy, 1 corrects for the sampling in full

    # How it learns
    learning_rate: float = 2e-3  # highest, after the warm-up
    schedule: str = "cosine"  # cosine | linear | constant, after the warm-up
    warmup_steps: int = 100
    final_rate: float = 0.05  # share of the learning rate where the schedule ends
    clip_norm: float = 5.0
    averaging: float = 0.0  # decay a step of the running mean of the weights, which is what is kept; 0: the last ones
    batch_size: int = 32
    epochs: int = 24
    validate_every: int = 2  # epochs
    patience: int = 12  # validations without a better one before training stops: never, with so few epochs as here
    seed: int = 42
    device: str = "auto"  # auto | cpu | cuda | mps
    precision: str = "auto"  # of matrix products in training: float32 | bfloat16 | auto: bfloat16 where it is quick
    liked_slack: float = SLACK  # films rated further below the user's own mean do not enter a sequence
    liked_only: bool = True  # so too in training; False learns what is watched, liked or not

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be {low} to {high}, not {getattr(self, name)}")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name} must be {', '.join(choices[:-1])} or {choices[-1]}, not {getattr(self, name)}"
                )
        if self.hidden_size % self.heads:
            raise ValueError(f"hidden_size {self.hidden_size} must be a multiple of heads {self.heads}")
        if self.pretrain_epochs and self.objective != "masked":
            raise ValueError("pretrain_epochs come before masked ones; a causal model has epochs alone")

    @property
    def causal(self) -> bool:
        return self.objective == "causal"


_RANGES: dict[str, tuple[float, float]] = {  # also what a model file may ask for
    "hidden_size": (1, 4096),
    "layers": (0, 64),
    "heads": (1, 64),
    "widening": (1, 64),
    "max_length": (2, 8192),
    "convolution": (0, 64),
    "dropout": (0, 0.9),
    "pretrain_epochs": (0, 10**6),
    "mask_probability": (0, 0.9),
    "last_item_share": (0, 1),
    "random_window": (0, 1),
    "negatives": (1, 10**6),
    "calibration": (0, 1),
    "learning_rate": (0, 1),
    "warmup_steps": (0, 10**6),
    "final_rate": (0, 1),
    "clip_norm": (1e-6, 1e6),
    "averaging": (0, 1 - 1e-9),
    "batch_size": (1, 10**6),
    "epochs": (0, 10**6),
    "validate_every": (1, 10**6),
    "patience": (1, 10**6),
    "seed": (0, 2**63 - 1),
    "liked_slack": (0, 10),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "positions": ("from_end", "from_start", "none"),
    "attention_bias": ("fading", "relative", "none"),
    "objective": ("masked", "causal"),
    "windows": ("all", "one"),
    "loss": ("softmax", "sampled_softmax", "gbce"),
    "schedule": ("cosine", "linear", "constant"),
    "device": ("auto", "cpu", "cuda", "mps"),
    "precision": ("auto", "float32", "bfloat16"),
}
