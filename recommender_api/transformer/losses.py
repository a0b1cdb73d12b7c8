"""What a guess costs: cross-entropy over all films, or over a sample of them that the whole batch shares.

Each returns the sum over the M guesses. At some thousands of films the full softmax is as fast as a sample and learns
better; the samples are for catalogues of which a batch of logits has no room.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

ROWS = 256  # guesses whose logits are in memory at once: they stay in the cache


def softmax_loss(
    hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Cross-entropy over all V films. `hidden` (M, D), `weight` (V, D), `bias` (V,), `targets` (M,) -> ().

    With `dtype` bfloat16 the products and the softmax are of that type, half the time where the processor has it.
    """
    loss: Tensor = _FullSoftmax.apply(hidden, weight, bias, targets, dtype)
    return loss


class _FullSoftmax(torch.autograd.Function):
    """Logits, loss and all gradients of a few rows at a time, in one buffer.

    Never (M, V) numbers at once: on a CPU such temporaries cost more in page faults than the products themselves.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, dtype: torch.dtype) -> Tensor:
        to_hidden, to_weight = torch.empty_like(hidden), torch.zeros_like(weight)
        to_bias, loss = torch.zeros_like(bias), hidden.new_zeros(())
        states, films, offsets = hidden.to(dtype), weight.to(dtype), bias.to(dtype)
        buffer = states.new_empty(min(ROWS, len(hidden)), len(weight))
        one = states.new_ones(len(buffer), 1)
        for at in range(0, len(hidden), ROWS):
            rows, wanted = states[at : at + ROWS], targets[at : at + ROWS, None]
            logits = torch.addmm(offsets, rows, films.T, out=buffer[: len(rows)])  # (R, V)
            shares = torch.softmax(logits, dim=1, out=logits)
            loss -= shares.gather(1, wanted).float().clamp_min(1e-37).log().sum()
            slope = shares.scatter_add_(1, wanted, -one[: len(rows)])  # of the loss, by logit
            to_hidden[at : at + ROWS] = slope @ films
            to_weight += slope.T @ rows
            to_bias += slope.sum(dim=0)
        ctx.save_for_backward(to_hidden, to_weight, to_bias)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        to_hidden, to_weight, to_bias = ctx.saved_tensors
        return to_hidden * slope, to_weight * slope, to_bias * slope, None, None


def sampled_softmax_loss(
    hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, negatives: Tensor, log_expected: Tensor
) -> Tensor:
    """Cross-entropy over the target and K shared negatives.

    `negatives` (K,) are drawn with replacement; `log_expected` (V,) is the logarithm of how often each film is
    expected among them. Taking it from the logits makes the sum an estimate of the full one (Bengio and Senecal 2008):
    without it a model learns to rank against what is drawn most.
    """
    own, others = _sampled_logits(hidden, weight, bias, targets, negatives)
    others = others - log_expected[negatives]
    # The target is in the sum for certain, so nothing is taken from its logit.
    return (torch.logsumexp(torch.cat([own[:, None], others], dim=1), dim=1) - own).sum()


def gbce_loss(
    hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, negatives: Tensor, calibration: float
) -> Tensor:
    """Binary cross-entropy, its positive part raised to beta, with K shared negatives drawn evenly.

    gSASRec (Petrov and Macdonald 2023): a share alpha of the films as negatives makes a model overconfident;
    beta = alpha (t (1 - 1/alpha) + 1/alpha), where t = `calibration`, takes that back.
    """
    alpha = min(1.0, len(negatives) / max(1, len(weight) - 1))
    beta = alpha * (calibration * (1 - 1 / alpha) + 1 / alpha)
    own, others = _sampled_logits(hidden, weight, bias, targets, negatives)
    return -beta * F.logsigmoid(own).sum() - F.logsigmoid(-others).sum()


def _sampled_logits(
    hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, negatives: Tensor
) -> tuple[Tensor, Tensor]:
    """(M,) of the targets and (M, K) of the negatives; a negative that is the target of its row counts for nothing."""
    own = (hidden * weight[targets]).sum(dim=1) + bias[targets]
    others = F.linear(hidden, weight[negatives], bias[negatives])
    return own, others.masked_fill(targets[:, None] == negatives, -math.inf)
