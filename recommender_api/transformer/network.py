"""The transformer: tokens to hidden states to logits over the films. Read from top to bottom, it is the whole model.

Tokens: rows 0 .. V-1 of the item embedding are the films, V is PAD, V+1 is MASK. PAD and MASK have no output logit, so
they can neither be ranked nor be a target. One network serves both objectives: with `causal` a token sees what came
before it (SASRec, Kang and McAuley 2018), without it sees the whole sequence (BERT4Rec, Sun et al. 2019).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recommender_api.transformer.options import Options

_NEVER = -1e9  # added to an attention score; finite, so that a row of padding, which sees nothing, stays a number


class Dropout(nn.Module):
    """`nn.Dropout`, its rate rounded to 1/256: one random byte a number takes a CPU a third of the time of a float."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.dropped = round(share * 256)  # of 256 values of a byte

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.dropped:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.share)
        words = torch.randint(-(2**31), 2**31 - 1, ((x.numel() + 3) // 4,), dtype=torch.int32)
        kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= self.dropped
        return x * (kept.to(x.dtype) * (256 / (256 - self.dropped)))


class Block(nn.Module):
    """Pre-norm attention and feed-forward, each added to its input. No dropout inside attention: 14 times the time."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        width = options.hidden_size
        self.heads = options.heads
        self.convolution = options.convolution
        self.attention_norm = nn.LayerNorm(width)
        if options.convolution:  # what the vectors of the films right before and right after add, number by number
            self.before = nn.Parameter(torch.zeros(options.convolution, width))
            self.after = nn.Parameter(torch.zeros(options.convolution, width))
        self.qkv = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.forward_norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, options.widening * width)
        self.down = nn.Linear(options.widening * width, width)
        self.dropout = Dropout(options.dropout)

    def forward(self, x: Tensor, bias: Tensor, real: Tensor | None, at: Tensor | None = None) -> Tensor:
        """`bias` (B or 1, H or 1, T, T) is added to the attention scores: who may see whom, and how well.

        `real` (B, T, 1) is 0 where padding is; None: causal, so that nothing sees what comes after it. With `at` (B,)
        only that token of each sequence is worked out, (B, 1, D): all that ranking needs of the last block.
        """
        batch, length, width = x.shape
        y = self.attention_norm(x)
        if self.convolution:
            y = self._with_nearby(y, real)
        qkv = self.qkv(y).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, H, T, D/H)
        if at is not None:
            rows = torch.arange(batch, device=x.device)
            x, q = x[rows, at][:, None], q[rows, :, at][:, :, None]  # (B, 1, D), (B, H, 1, D/H)
            bias = bias.expand(batch, -1, length, -1)[rows, :, at][:, :, None]  # (B, H or 1, 1, T)
        # Written out: torch's fused attention takes four times as long on a CPU, for the backward pass of the bias.
        scores = (q * (width // self.heads) ** -0.5) @ k.transpose(-1, -2) + bias.to(q.dtype)  # (B, H, T, T)
        mixed = torch.softmax(scores, dim=-1).to(v.dtype) @ v  # (B, H, T, D/H)
        x = x + self.dropout(self.attention_out(mixed.transpose(1, 2).reshape(x.shape)))
        return x + self.dropout(self.down(F.gelu(self.up(self.forward_norm(x)))))  # type: ignore[no-any-return]

    def _with_nearby(self, y: Tensor, real: Tensor | None) -> Tensor:
        """(B, T, D): a depthwise convolution over the films next to each one, added to it."""
        total = y
        for distance, weights in enumerate(self.before, start=1):
            total = total + F.pad(y, (0, 0, distance, 0))[:, : y.shape[1]] * weights
        if real is not None:
            y = y * real
            for distance, weights in enumerate(self.after, start=1):
                total = total + F.pad(y, (0, 0, 0, distance))[:, distance:] * weights
        return total


class Network(nn.Module):
    """Padding is on the right: with `causal`, no film ever sees it."""

    fading: Tensor

    def __init__(self, n_items: int, options: Options) -> None:
        super().__init__()
        self.n_items, self.pad, self.mask = n_items, n_items, n_items + 1
        self.options = options
        self.working = torch.float32  # what matrix products are computed in while training
        self.items = nn.Embedding(n_items + 2, options.hidden_size)
        if options.positions != "none":
            self.positions = nn.Embedding(options.max_length, options.hidden_size)
        if options.attention_bias == "relative":  # how well a token sees one so many films before or after it
            self.before = nn.Parameter(torch.zeros(options.layers, options.heads, options.max_length))
            self.after = nn.Parameter(torch.zeros(options.layers, options.heads, options.max_length))
        self.blocks = nn.ModuleList(Block(options) for _ in range(options.layers))
        self.norm = nn.LayerNorm(options.hidden_size)
        self.output_bias = nn.Parameter(torch.zeros(n_items))
        self.dropout = Dropout(options.dropout)
        reach = torch.logspace(0.5, 1.5, options.heads)  # (H,) 3 to 32 films until a head's attention is e times less
        self.register_buffer("fading", 1 / reach, persistent=False)

    @property
    def device(self) -> torch.device:
        return self.output_bias.device

    def initialise(self, counts: Tensor, vectors: Tensor, generator: torch.Generator) -> None:
        """All weights anew. `counts` (V,): how often each film was rated; `vectors` (V, D): where embeddings start."""
        for parameter in self.parameters():
            nn.init.zeros_(parameter)  # biases, convolutions, and how attention depends on distance
        for module in self.modules():
            if isinstance(module, nn.LayerNorm):
                nn.init.ones_(module.weight)
            elif isinstance(module, nn.Embedding | nn.Linear):
                std = 0.02 if isinstance(module, nn.Embedding) else 0.65 * self.options.hidden_size**-0.5
                nn.init.trunc_normal_(module.weight, std=std, a=-2 * std, b=2 * std, generator=generator)
        with torch.no_grad():
            self.items.weight[: self.n_items] += 0.06 * vectors
            self.output_bias.copy_(torch.log((counts + 1.0) / (counts + 1.0).mean()))

    def forward(self, tokens: Tensor, causal: bool = False, at: Tensor | None = None) -> Tensor:
        """Tokens (B, T), padded on the right -> hidden states (B, T, D); (B, 1, D) of the tokens `at` (B,) alone."""
        real = tokens != self.pad  # (B, T)
        x = self.items(tokens)  # (B, T, D)
        if self.options.positions != "none":
            x = x + self.positions(self._numbers(real))
        x = self.dropout(x)
        hidden_from = self._hidden_from(real, causal)
        not_padding = None if causal else real[:, :, None].to(x.dtype)
        low = self.training and self.working != torch.float32
        with torch.autocast(self.device.type, self.working if low else torch.bfloat16, enabled=low):
            for layer, block in enumerate(self.blocks):
                last = at if layer == len(self.blocks) - 1 else None
                x = block(x, self._attraction(layer, tokens.shape[1], causal) + hidden_from, not_padding, last)
        if at is not None and not len(self.blocks):
            x = x[torch.arange(len(x), device=x.device), at][:, None]
        hidden: Tensor = self.norm(x.float())
        return hidden

    def _numbers(self, real: Tensor) -> Tensor:
        """Which position embedding each token gets, (B or 1, T)."""
        at = torch.arange(real.shape[1], device=real.device)
        if self.options.positions == "from_start":
            return at[None]
        return (real.sum(dim=1, keepdim=True) - 1 - at).clamp_min(0)

    def _hidden_from(self, real: Tensor, causal: bool) -> Tensor:
        """(B or 1, 1, T, T): 0, and a large negative number where a token (row) may not see another (column)."""
        length = real.shape[1]
        if causal:
            return torch.full((1, 1, length, length), _NEVER, device=real.device).triu(1)
        return torch.zeros(real.shape, device=real.device).masked_fill(~real, _NEVER)[:, None, None, :]

    def _attraction(self, layer: int, length: int, causal: bool) -> Tensor:
        """(1, H or 1, T, T): how well a token sees another by their distance alone."""
        if self.options.attention_bias == "none":
            return torch.zeros(1, 1, 1, 1, device=self.device)
        if self.options.attention_bias == "fading":
            at = torch.arange(length, device=self.device)
            return (-self.fading[:, None, None] * (at[:, None] - at[None, :]).abs())[None]
        before = self.before[layer, :, :length]  # (H, T), from the token itself backwards
        after = torch.zeros_like(before) if causal else self.after[layer, :, :length]  # [:, 0] is never looked at
        return by_distance(before, after)[None]

    def logits(self, hidden: Tensor) -> Tensor:
        """(M, D) -> (M, V): the item embedding again, without the rows of PAD and MASK."""
        return F.linear(hidden, self.output_weight, self.output_bias)

    @property
    def output_weight(self) -> Tensor:
        """(V, D)."""
        return self.items.weight[: self.n_items]


def by_distance(before: Tensor, after: Tensor) -> Tensor:
    """(H, T) and (H, T) -> (H, T, T) with before[i - j] at row i, column j <= i, and after[j - i] right of it.

    Rows of a matrix one narrower than what is repeated in it start one number earlier each: no indices, whose backward
    pass would be the slowest part of the network.
    """
    heads, length = before.shape
    cycle = torch.cat([before[:, :1], after[:, 1:], after[:, :1], before[:, 1:].flip(1)], dim=1)  # (H, 2T)
    repeated = cycle[:, None].expand(heads, length, 2 * length).reshape(heads, -1)[:, : length * (2 * length - 1)]
    return repeated.view(heads, length, 2 * length - 1)[:, :, :length]
