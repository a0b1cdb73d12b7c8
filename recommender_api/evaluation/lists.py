"""What recommended lists are like beyond being right: how much of the catalogue, how well known, how unlike each other.

All from lists (C, k) of film rows, -1 where a list is shorter. Formulas: docs/evaluation.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.evaluation.uncertainty import resampled

HEAD = 0.01  # share of the candidates, the most rated ones, that counts as the head


@dataclass(frozen=True, eq=False)
class Catalogue:
    """What is known of the films that are ranked, from the training part alone."""

    candidates: np.ndarray  # (V,) bool
    information: np.ndarray  # (V,) bits: -log2 of the share of users who rated the film
    head: np.ndarray  # (V,) bool: the HEAD most rated candidates
    features: np.ndarray  # (V, D) float32 of length 1: text vectors, else genres; zeros where neither is known

    @classmethod
    def of(cls, train: TrainingData, candidates: np.ndarray) -> Self:
        counts = np.bincount(train.items, minlength=train.n_items)
        users = max(1, len(np.unique(train.users)))
        head = np.zeros(train.n_items, bool)
        rows = np.flatnonzero(candidates)
        size = int(np.ceil(HEAD * len(rows)))
        head[rows[np.argsort(-counts[rows], kind="stable")[:size]]] = True
        return cls(
            candidates=candidates,
            information=-np.log2(np.minimum(1.0, np.maximum(counts, 1) / users)),
            head=head,
            features=train.vectors if train.vectors is not None else genre_vectors(train),
        )


def genre_vectors(data: TrainingData) -> np.ndarray:
    """(V, G) float32 of length 1, a column a genre; zeros for a film without any."""
    names = sorted({name for genres in data.genres for name in genres})
    column = {name: at for at, name in enumerate(names)}
    vectors = np.zeros((data.n_items, max(1, len(names))), np.float32)
    for row, genres in enumerate(data.genres):
        vectors[row, [column[name] for name in genres]] = 1.0
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0), np.float32)


def novelty(lists: np.ndarray, catalogue: Catalogue) -> np.ndarray:
    """(C,) mean self-information of the films of a list, in bits."""
    return _mean_over_list(catalogue.information[lists], lists)


def head_share(lists: np.ndarray, catalogue: Catalogue) -> np.ndarray:
    """(C,) share of a list that belongs to the most rated percent of the films."""
    return _mean_over_list(catalogue.head[lists].astype(np.float64), lists)


def diversity(lists: np.ndarray, catalogue: Catalogue) -> np.ndarray:
    """(C,) mean of 1 - cosine over all pairs of a list; 0 for a list of fewer than two films."""
    shown = lists >= 0
    count = shown.sum(axis=1)
    pairs = count * (count - 1)
    together = np.empty(len(lists))
    for at, films in enumerate(lists):
        features = catalogue.features[films[films >= 0]]  # (k, D)
        total = features.sum(axis=0, dtype=np.float64)
        together[at] = total @ total - np.square(features, dtype=np.float64).sum()  # cosines of all ordered pairs
    return np.where(pairs > 0, 1.0 - together / np.maximum(pairs, 1), 0.0)


def coverage(lists: np.ndarray, catalogue: Catalogue) -> float:
    """Share of the candidates that anybody is recommended."""
    shown = np.zeros(len(catalogue.candidates) + 1, bool)  # the last one is -1's
    shown[lists] = True
    return float(shown[:-1].sum() / max(1, catalogue.candidates.sum()))


def coverage_interval(lists: np.ndarray, catalogue: Catalogue) -> tuple[float, float]:
    """95 % bootstrap interval of the coverage, moved so that its middle is the measured value.

    A resample holds some 63 % of the different users, so all its coverages are too low; their spread is what counts.
    """
    drawn = np.array([coverage(lists[rows], catalogue) for rows in resampled(len(lists))])
    low, high = np.quantile(drawn, [0.025, 0.975]) - drawn.mean() + coverage(lists, catalogue)
    return max(0.0, float(low)), min(1.0, float(high))


def _mean_over_list(values: np.ndarray, lists: np.ndarray) -> np.ndarray:
    shown = lists >= 0
    return np.asarray((values * shown).sum(axis=1) / np.maximum(shown.sum(axis=1), 1))
