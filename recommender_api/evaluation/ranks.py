"""Where relevant films ended up: ranks over the full ranking, and what is counted from them, one value a case.

Ties are broken by row everywhere, so that a metric and the list that a user would see never disagree, and a model that
gives all films one score is not rewarded for it. Formulas: docs/evaluation.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_AT_ONCE = 20_000_000  # scores that are compared in one go


@dataclass(frozen=True, eq=False)
class Ranks:
    """Ranks of the relevant films of C cases, every one with at least one."""

    ranks: np.ndarray  # (R,) from 1, case after case
    starts: np.ndarray  # (C,) where each case begins

    @classmethod
    def of(cls, each: Sequence[np.ndarray]) -> Ranks:
        """From one array of ranks a case."""
        ends = np.cumsum([len(ranks) for ranks in each], dtype=np.int64)
        return cls(np.concatenate([*each, np.zeros(0, np.int64)]), np.concatenate([[0], ends[:-1]])[: len(each)])

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def relevant(self) -> np.ndarray:
        """(C,) how many films were to be found."""
        return np.diff(np.append(self.starts, len(self.ranks)))

    def found(self, k: int) -> np.ndarray:
        """(C,) how many of them are among the first k."""
        return self._sum((self.ranks <= k).astype(np.float64))

    def hits(self, k: int) -> np.ndarray:
        """(C,) 1.0 where at least one is among the first k; the mean is HR@k."""
        return (self.found(k) > 0).astype(np.float64)

    def recall(self, k: int) -> np.ndarray:
        """(C,) share of them that is among the first k; with one relevant film the same as `hits`."""
        return np.asarray(self.found(k) / self.relevant)

    def gains(self, k: int) -> np.ndarray:
        """(C,) discounted gain, a film at rank r counting 1 / log2(r + 1), over that of the best order: NDCG@k."""
        gained = self._sum(np.where(self.ranks <= k, 1.0 / np.log2(self.ranks + 1.0), 0.0))
        ideal = np.cumsum(1.0 / np.log2(np.arange(1, k + 1) + 1.0))
        return np.asarray(gained / ideal[np.minimum(self.relevant, k) - 1])

    def reciprocal(self) -> np.ndarray:
        """(C,) 1 / rank of the first one, however far down; the mean is MRR."""
        if not len(self):
            return np.zeros(0)
        return 1.0 / np.minimum.reduceat(self.ranks, self.starts)

    def _sum(self, values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, self.starts) if len(self) else np.zeros(0)


def ranks_of(scores: np.ndarray, targets: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The rank of each target (n,) in its row of scores (B, V); 1 is best, equal scores go in order of row."""
    lengths = [len(rows) for rows in targets]
    line = np.repeat(np.arange(len(targets)), lengths)  # (R,)
    film = np.concatenate(targets)  # (R,)
    columns = np.arange(scores.shape[1])
    ranks = np.empty(len(film), np.int64)
    step = max(1, _AT_ONCE // scores.shape[1])
    for at in range(0, len(film), step):
        part = slice(at, at + step)
        others, own = scores[line[part]], scores[line[part], film[part]][:, None]  # (r, V), (r, 1)
        ranks[part] = 1 + ((others > own) | ((others == own) & (columns < film[part][:, None]))).sum(axis=1)
    return np.split(ranks, np.cumsum(lengths)[:-1])


def top_k(scores: np.ndarray, k: int) -> np.ndarray:
    """Rows (B, k) of the best films, best first; -1 where fewer than k have a score above minus infinity."""
    k = min(k, scores.shape[1])
    least = np.partition(scores, -k, axis=1)[:, -k]  # (B,) the k-th best score
    best = np.full((len(scores), k), -1, np.int64)
    for row, (values, limit) in enumerate(zip(scores, least, strict=True)):
        rows = np.flatnonzero((values >= limit) & np.isfinite(values))
        rows = rows[np.argsort(-values[rows], kind="stable")][:k]
        best[row, : len(rows)] = rows
    return best
