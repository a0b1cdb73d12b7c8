"""The network of `ncf` as it is served: its options, the arrays that are kept, and z with its slopes, in numpy.

    z(u, i) = constant + b_u + b_i + h . (p_u * q_i) + g . tower([p'_u, q'_i])

PyTorch's version of the same, which learns them, is in `ncf_training`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from recommender_api.models.factors import SPAN, inverse
from recommender_api.models.folding import LOWEST, logistic

KINDS = ("neumf", "gmf", "mlp", "plain")
LEARNS = ("ratings", "watched")


@dataclass(frozen=True)
class Options:
    kind: str = "neumf"  # neumf | gmf | mlp | plain
    learns: str = "ratings"  # ratings | watched
    factors: int = 50  # D, of each of the two vectors
    layers: int = 3  # of the tower, each half as wide as the one before; the first is D wide
    penalty: float = 25.0  # on the squared length of a vector; 12 is better for `plain`
    bias_penalty: float = 4.0
    weight_decay: float = 0.01  # of the tower
    negatives: int = 4  # films drawn for each liked one, when it learns what is watched
    learning_rate: float = 0.003
    batch_size: int = 1024
    epochs: int = 20
    popularity: float = 0.75  # stars that a film gains in the ranking for e times as many ratings
    dislike: float = 0.5  # what a film loses in the ranking for being just like one that was disliked
    attributes: bool = False  # also learn what the users' sex, age and occupation say, where the data tells them
    seed: int = 42

    def __post_init__(self) -> None:
        for name, allowed in (("kind", KINDS), ("learns", LEARNS)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {getattr(self, name)}")
        for name in ("factors", "layers", "penalty", "bias_penalty", "negatives", "learning_rate", "batch_size"):
            if not 0 < getattr(self, name) < 1e6:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")
        if self.factors >> self.layers - 1 < 1:
            raise ValueError(f"layers must be few enough that the last of {self.layers} has a unit left")

    @property
    def product(self) -> int:
        """Width of the product part, 0 where there is none."""
        return 0 if self.kind == "mlp" else self.factors

    @property
    def tower(self) -> tuple[int, ...]:
        """Widths of the tower: a vector, then each layer; empty where there is none."""
        if self.kind in ("gmf", "plain"):
            return ()
        return (self.factors, *(self.factors >> layer for layer in range(self.layers)))

    @property
    def width(self) -> int:
        """P, the length of what is known of a user: bias, vector of the product, vector of the tower."""
        return 1 + self.product + (self.tower[0] if self.tower else 0)

    @property
    def penalties(self) -> np.ndarray:
        """(P,)."""
        return np.array([self.bias_penalty] + [self.penalty] * (self.width - 1))


@dataclass(frozen=True)
class Facts:
    """What training found out and serving needs, beside the weights."""

    mean_rating: float
    attributes: Mapping[str, int]  # "gender=F" -> row of the attributes' vectors
    epochs_trained: int
    cpu_seconds: float


def shapes(options: Options, films: int, attributes: int) -> dict[str, tuple[int, ...]]:
    """The arrays of a model, float32."""
    tower = options.tower or (0,)
    found: dict[str, tuple[int, ...]] = {
        "counts": (films,),
        "biases": (films,),
        "product_vectors": (films, options.product),  # q
        "product_head": (options.product,),  # h
        "tower_vectors": (films, tower[0]),  # q'
        "tower_head": (tower[-1],),  # g
        "attributes": (attributes, options.width),
        "everybody": (options.width,),
    }
    for layer, (narrow, wide) in enumerate(zip(tower[1:], (2 * tower[0], *tower[1:]), strict=False)):
        found |= {f"layer{layer}_weight": (narrow, wide), f"layer{layer}_bias": (narrow,)}
    return found


@dataclass(frozen=True, eq=False)
class Films:
    """The film side, with all that needs no user worked out."""

    offsets: np.ndarray  # (N,) constant + b_i
    product: np.ndarray  # (N, D) h * q
    first: np.ndarray  # (N, L1) what the first layer gets from q', its bias included
    of_user: np.ndarray  # (L1, D) what it does with p'
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]  # weight (out, in) and bias of those after the first
    head: np.ndarray  # (L,) g

    @classmethod
    def of(cls, options: Options, facts: Facts, weights: Mapping[str, np.ndarray]) -> Self:
        constant = inverse("logistic", facts.mean_rating) if options.learns == "ratings" else 0.0
        width, depth = options.tower[0] if options.tower else 0, len(options.tower) - 1
        layers = [(weights[f"layer{layer}_weight"], weights[f"layer{layer}_bias"]) for layer in range(depth)]
        vectors = weights["tower_vectors"]
        first, of_user = np.zeros((len(vectors), 0), np.float32), np.zeros((0, 0), np.float32)
        if layers:
            first = vectors @ layers[0][0][:, width:].T + layers[0][1]
            of_user = layers[0][0][:, :width]
        product = weights["product_vectors"] * weights["product_head"]
        return cls(weights["biases"] + constant, product, first, of_user, tuple(layers[1:]), weights["tower_head"])

    def at(self, items: np.ndarray) -> Films:
        return replace(self, offsets=self.offsets[items], product=self.product[items], first=self.first[items])

    def z(self, user: np.ndarray) -> np.ndarray:
        """(N,) for a user (P,)."""
        linear, hidden = self._forward(user.astype(np.float32))
        return linear + hidden[-1] @ self.head if hidden else linear

    def z_and_slopes(self, user: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """z (N,), and what it changes by with each number of the user (N, P)."""
        linear, hidden = self._forward(user)
        ones = np.ones((len(linear), 1))
        if not hidden:
            return linear, np.concatenate([ones, self.product], axis=1)
        slope = self.head * (hidden[-1] > 0)  # (N, L): backwards through the tower
        for (weight, _), below in zip(reversed(self.layers), reversed(hidden[:-1]), strict=True):
            slope = (slope @ weight) * (below > 0)
        return linear + hidden[-1] @ self.head, np.concatenate([ones, self.product, slope @ self.of_user], axis=1)

    def _forward(self, user: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """The part of z without the tower, and the tower's layers, each (N, width)."""
        split = 1 + self.product.shape[1]
        linear = self.offsets + user[0] + self.product @ user[1:split]
        if not self.first.shape[1]:
            return linear, []
        hidden = [np.maximum(self.first + self.of_user @ user[split:], 0)]
        for weight, bias in self.layers:
            hidden.append(np.maximum(hidden[-1] @ weight.T + bias, 0))
        return linear, hidden


def stars_of(z: np.ndarray) -> np.ndarray:
    return np.asarray(LOWEST + SPAN * logistic(z))
