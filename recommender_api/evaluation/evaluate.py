"""Measure named scorers on one split: rankings of all films, and predicted ratings.

A scorer is anything with `scores(query) -> (V,)`: a model, or a strategy of the core in that shape. It must have been
fitted on the split's training part; who calls sees to that (`recommender_api.training` does). What is measured becomes
a `Leaderboard`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from recommender_api.evaluation import lists as of_lists
from recommender_api.evaluation.leaderboard import Leaderboard, Row
from recommender_api.evaluation.lists import Catalogue
from recommender_api.evaluation.ranks import Ranks, ranks_of, top_k
from recommender_api.evaluation.splits import RankingCase, RatingCase, Split
from recommender_api.evaluation.uncertainty import intervals, pooled_interval
from recommender_api.models.base import Query
from service_kit.progress import Advance, NoProgress, Progress

K = 10
BATCH = 256


class Scorer(Protocol):
    """May also have `scores_batch(queries) -> (B, V)`, and `predict(query, items) -> (N,) | None` for ratings."""

    def scores(self, query: Query) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Ranked:
    """Where the films of C cases ended up, and what would have been recommended."""

    ranks: Ranks
    lists: np.ndarray  # (C, k) film rows, best first, -1 for none


def evaluate(scorers: Mapping[str, Scorer], split: Split, progress: Progress | None = None, k: int = K) -> Leaderboard:
    """All scorers on the split's test cases."""
    progress = progress or NoProgress()
    catalogue = Catalogue.of(split.train, split.candidates)
    rows = []
    for name, scorer in scorers.items():
        started, row = time.perf_counter(), Row(name)
        if split.test:
            with progress.task(f"ranking with {name}", total=len(split.test)) as advance:
                ranked = rank_all(scorer, split.test, split.candidates, advance, k)
            seconds = time.perf_counter() - started
            users = np.array([case.user for case in split.test])
            row = row.joined(ranking_row(name, users, ranked, catalogue, k, seconds))
        if split.rating_test:
            with progress.task(f"predicting with {name}", total=len(split.rating_test)) as advance:
                row = row.joined(predict_cases(name, scorer, split.rating_test, advance))
        rows.append(row)
    return Leaderboard.of(rows, split.description, split.train)


def rank_all(
    scorer: Scorer,
    cases: Sequence[RankingCase],
    candidates: np.ndarray,
    advance: Advance = lambda _: None,
    k: int = K,
    latest: int | None = None,
) -> Ranked:
    """Rank all candidates (V,) bool that are not in the case's query. With `latest` the scorer is only told that many
    films of the query, the latest ones; what is ranked stays the same."""
    ranks: list[np.ndarray] = [np.zeros(0, np.int64)] * len(cases)
    lists = np.full((len(cases), k), -1, np.int64)
    by_length = np.argsort([len(case.query.items) for case in cases], kind="stable")  # batches of like length
    for at in range(0, len(cases), BATCH):
        chosen = by_length[at : at + BATCH]
        scores = _scores(scorer, [_told(cases[case].query, latest) for case in chosen])  # (B, V)
        scores[:, ~candidates] = -np.inf
        for row, case in zip(scores, chosen, strict=True):
            row[cases[case].query.items] = -np.inf
        for case, of_case in zip(chosen, ranks_of(scores, [cases[case].targets for case in chosen]), strict=True):
            ranks[case] = of_case
        best = top_k(scores, k)
        lists[chosen, : best.shape[1]] = best
        advance(len(chosen))
    return Ranked(Ranks.of(ranks), lists)


def _told(query: Query, latest: int | None) -> Query:
    if latest is None:
        return query
    return Query(query.items[-latest:], query.ratings[-latest:], query.timestamps[-latest:])


def _scores(scorer: Scorer, queries: Sequence[Query]) -> np.ndarray:
    """(B, V) float32 that may be written to. Raises ValueError for a score that is not finite."""
    batch: Callable[[Sequence[Query]], np.ndarray] | None = getattr(scorer, "scores_batch", None)
    rows = batch(queries) if batch else [scorer.scores(query) for query in queries]
    scores = np.array(rows, np.float32)
    if not np.isfinite(scores).all():
        raise ValueError(f"{type(scorer).__name__} gave a score that is not a finite number")
    return scores


def accuracy(ranks: Ranks, k: int = K) -> dict[str, np.ndarray]:
    """What was found, one value a case (C,). Recall only where a case may have several films to be found."""
    found = {f"hr@{k}": ranks.hits(k)}
    if (ranks.relevant > 1).any():
        found[f"recall@{k}"] = ranks.recall(k)
    return found | {f"ndcg@{k}": ranks.gains(k), "mrr": ranks.reciprocal()}


def ranking_metrics(
    scorer: Scorer, cases: Sequence[RankingCase], candidates: np.ndarray, advance: Advance = lambda _: None
) -> dict[str, float]:
    """HR@10, NDCG@10 and the others of `accuracy`, averaged; 0 where there are no cases."""
    values = accuracy(rank_all(scorer, cases, candidates, advance).ranks)
    return {name: float(column.mean()) if len(column) else 0.0 for name, column in values.items()}


def validation_metrics(scorer: Scorer, split: Split) -> dict[str, float]:
    """`ranking_metrics` on the split's validation cases."""
    return ranking_metrics(scorer, split.validation, split.candidates)


def ranking_row(
    name: str, users: np.ndarray, ranked: Ranked, catalogue: Catalogue, k: int = K, seconds: float = 0.0
) -> Row:
    lists = ranked.lists
    values = accuracy(ranked.ranks, k) | {
        f"novelty@{k}": of_lists.novelty(lists, catalogue),
        f"diversity@{k}": of_lists.diversity(lists, catalogue),
        f"head@{k}": of_lists.head_share(lists, catalogue),
    }
    coverage = of_lists.coverage(lists, catalogue)
    return Row(
        name,
        metrics={column: float(found.mean()) for column, found in values.items()} | {f"coverage@{k}": coverage},
        intervals=intervals(values) | {f"coverage@{k}": of_lists.coverage_interval(lists, catalogue)},
        compared={f"ndcg@{k}": values[f"ndcg@{k}"]},
        seconds=seconds,
        users=users,
        lists=lists,
    )


def predict_cases(name: str, scorer: Scorer, cases: Sequence[RatingCase], advance: Advance = lambda _: None) -> Row:
    """RMSE and MAE over all ratings of all cases; no metrics for a scorer that predicts none."""
    predict: Callable[[Query, np.ndarray], np.ndarray | None] = getattr(scorer, "predict", lambda _query, _items: None)
    started, predictions = time.perf_counter(), []
    for case in cases:
        predicted = predict(case.query, case.items)
        if predicted is None:
            return Row(name)
        predictions.append((case, predicted))
        advance(1)
    counts = np.array([len(case.items) for case in cases])
    errors = [np.asarray(predicted - case.ratings, np.float64) for case, predicted in predictions]
    squares = np.array([np.square(of_user).sum() for of_user in errors])  # (C,)
    absolute = np.array([np.abs(of_user).sum() for of_user in errors])
    return Row(
        name,
        metrics={"rmse": float(np.sqrt(squares.sum() / counts.sum())), "mae": float(absolute.sum() / counts.sum())},
        intervals={"rmse": pooled_interval(squares, counts, np.sqrt), "mae": pooled_interval(absolute, counts)},
        compared={"rmse": squares},
        seconds=time.perf_counter() - started,
        predictions=predictions,
    )
