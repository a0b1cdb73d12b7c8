"""How fast the weights move, and the running mean of where they have been."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from recommender_api.transformer.options import Options


def rate(step: int, steps: int, options: Options) -> float:
    """Share of the learning rate at a step: linear warm-up, then along the schedule down to `final_rate`."""
    warmup = min(options.warmup_steps, steps // 4)
    if step < warmup:
        return (step + 1) / warmup
    if options.schedule == "constant":
        return 1.0
    done = min(1.0, (step - warmup) / max(1, steps - warmup))
    left = 1 - done if options.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))
    return options.final_rate + (1 - options.final_rate) * left


class Averaged:
    """An exponential mean of a network's weights over its steps (Polyak averaging), beside the network itself.

    The first steps count less: after n of them the decay is at most n / (n + 10), else the mean would remember the
    random start for thousands of steps.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.weights = {name: tensor.detach().clone() for name, tensor in network.named_parameters()}

    def update(self, network: nn.Module) -> None:
        decay = min(self.decay, self.steps / (self.steps + 10))
        torch._foreach_lerp_(list(self.weights.values()), _tensors(network.parameters()), 1 - decay)
        self.steps += 1


def _tensors(parameters: Iterable[nn.Parameter]) -> list[Tensor]:
    return [parameter.detach() for parameter in parameters]
