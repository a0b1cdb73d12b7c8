"""The recommender in the process: translates ids to rows, asks a ranker, masks, takes the best.

Which versions are loaded is `LoadedModels`'s affair (`recommender_api.loaded`). A call takes one version at its
beginning and keeps it to its end, so a reload in between changes nothing for it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Self

import numpy as np

from recommender_api.client import (
    HistoryColumns,
    ModelInfo,
    PredictedItem,
    Predictions,
    PredictQuery,
    Ranking,
    RankQuery,
    ScoredItem,
)
from recommender_api.explaining import explained
from recommender_api.loaded import LoadedModels
from recommender_api.models.base import Query, Ranker
from recommender_api.models.registry import guarded
from recommender_api.selection import best
from recommender_api.settings import RecommenderSettings
from recommender_api.vocabulary import Vocabulary
from service_kit.errors import InvalidRequest, ModelUnavailable


class RecommenderEngine:
    """Follows the active version in `models_dir`. Safe to call from many threads; see `Recommender` for the calls."""

    def __init__(
        self,
        models_dir: Path,
        poll_s: float = 2.0,
        *,
        ranking_history: int = 1000,
        explained_history: int = 50,
        models_kept: int = 3,
        device: str = "auto",
        torch_threads: int = 1,
        wait: bool = True,
    ) -> None:
        """`wait`: load the active version before returning; else in the background, ModelUnavailable meanwhile."""
        self._models = LoadedModels(Path(models_dir), models_kept, device, torch_threads)
        self._history = ranking_history
        self._explained = explained_history
        self._models.follow(poll_s, wait=wait)

    @classmethod
    def of(cls, settings: RecommenderSettings) -> Self:
        return cls(
            settings.models_dir,
            settings.model_poll_s,
            ranking_history=settings.ranking_history,
            explained_history=settings.explained_history,
            models_kept=settings.models_kept,
            device=settings.device,
            torch_threads=settings.torch_threads,
        )

    def rank(self, query: RankQuery) -> Ranking:
        version = self._models.get(query.model)
        vocabulary, ranker = version.ranker.vocabulary, version.ranker
        asked, unknown = self._translate(vocabulary, query.history, query.avoid)
        with guarded(ranker.name):
            scores = _checked(ranker, ranker.scores(asked))
        allowed, unknown_candidates = _mask(vocabulary, query.candidates)
        shown, unknown_seen = vocabulary.rows((*query.history.ids, *query.seen, *query.avoid))
        allowed[shown] = False
        rows = best(scores, allowed, query.k)
        reasons: list[list[int]] = [[]] * len(rows)
        if query.explain:
            with guarded(ranker.name):  # it is asked for scores of shorter histories
                reasons = explained(ranker, asked, rows, query.explain, self._explained)
        return Ranking(
            items=tuple(
                ScoredItem(
                    id=vocabulary.ids[row],
                    score=float(scores[row]),
                    because=tuple(vocabulary.ids[film] for film in films),
                )
                for row, films in zip(rows, reasons, strict=True)
            ),
            model=ranker.name,
            version=version.stored.version,
            unknown=_distinct(unknown, unknown_seen, unknown_candidates),
        )

    def predict(self, query: PredictQuery) -> Predictions:
        version = self._models.get(query.model)
        vocabulary, ranker = version.ranker.vocabulary, version.ranker
        asked, unknown = self._translate(vocabulary, query.history, ())
        rows, unknown_items = vocabulary.rows(query.items)
        with guarded(ranker.name):
            ratings = ranker.predict(asked, rows)
        if ratings is None:
            raise InvalidRequest(f"Model {ranker.name} ranks films but does not predict ratings; name one that does.")
        return Predictions(
            items=tuple(
                PredictedItem(id=vocabulary.ids[row], rating=float(rating))
                for row, rating in zip(rows, ratings, strict=True)
            ),
            model=ranker.name,
            version=version.stored.version,
            unknown=_distinct(unknown, unknown_items),
        )

    def models(self) -> tuple[ModelInfo, ...]:
        return self._models.infos()

    def version(self) -> Hashable:
        return tuple((model.name, model.version, model.active) for model in self.models())

    def reload(self) -> tuple[ModelInfo, ...]:
        self._models.refresh(again=True)
        return self._models.infos()

    def close(self) -> None:
        """Stop following the model folder."""
        self._models.close()

    def _translate(
        self, vocabulary: Vocabulary, history: HistoryColumns, avoid: tuple[str, ...]
    ) -> tuple[Query, list[str]]:
        """The latest known ratings in rows, and the ids that have none."""
        ids = history.ids[-self._history :]
        items, unknown = vocabulary.rows(ids)
        known = vocabulary.known(ids)
        avoided, unknown_avoided = vocabulary.rows(dict.fromkeys(avoid))
        query = Query(
            items=items,
            ratings=np.array(history.ratings[-self._history :], np.float32)[known],
            timestamps=np.array(history.timestamps[-self._history :], np.int64)[known],
            avoid=avoided,
        )
        return query, unknown + unknown_avoided


def _checked(ranker: Ranker, scores: np.ndarray) -> np.ndarray:
    """(V,) scores. Raises ModelUnavailable for anything else: one bad version must not end in wrong films."""
    if scores.shape != (len(ranker.vocabulary),):
        raise ModelUnavailable(f"Model {ranker.name} gave scores of shape {scores.shape}; activate another version.")
    if not np.isfinite(scores).all():
        raise ModelUnavailable(f"Model {ranker.name} gave scores that are not numbers; activate another version.")
    return scores


def _mask(vocabulary: Vocabulary, candidates: tuple[str, ...] | None) -> tuple[np.ndarray, list[str]]:
    """(V,) bool: which films may be ranked; and the candidates that are unknown."""
    if candidates is None:
        return np.ones(len(vocabulary), bool), []
    rows, unknown = vocabulary.rows(candidates)
    allowed = np.zeros(len(vocabulary), bool)
    allowed[rows] = True
    return allowed, unknown


def _distinct(*lists: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(id for ids in lists for id in ids))
