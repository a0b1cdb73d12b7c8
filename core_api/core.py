"""The core: its use cases over the stores and the two services, and how it is. No HTTP in here.

Made once by whoever wires the parts (`marquee`, `core_api.app`, tests); `core_api.app.create_app` puts HTTP around it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from core_api.background import Background
from core_api.catalogue import Catalogue
from core_api.from_film import RecommendFromFilm
from core_api.genres import Genres
from core_api.group import Group
from core_api.imports import Imports
from core_api.popular import Popular
from core_api.preparation import TRAINING_RECORD, Preparation
from core_api.rate import Ratings
from core_api.recommend import Recommend
from core_api.search import Search
from core_api.settings import CoreSettings
from core_api.similar import Similar
from core_api.takeout import Takeout
from embedding_generator.client import Embedder
from indexer.ports import Stores
from recommender_api.client import Recommender
from service_kit.deadline import deadline
from service_kit.errors import ServiceError
from service_kit.health import Readiness

_READINESS_S = 1.8
_UNPACKED = 10  # times the largest import: what an archive of that size may unpack to
_Value = TypeVar("_Value")


class Core:
    """Without a recommender or an embedder it still answers, with worse strategies and a reason."""

    def __init__(
        self,
        stores: Stores,
        recommender: Recommender | None,
        embedder: Embedder | None,
        settings: CoreSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.stores = stores
        self.recommender = recommender
        self.embedder = embedder
        self.settings = settings
        self.preparation = Preparation()
        self.popular = Popular(stores, on_missing=lambda: self.background.want_statistics())
        self.background = Background(stores, embedder, self.popular, self.preparation, settings, clock)
        self.recommend = Recommend(stores, recommender, self.popular, self.preparation, settings, clock)
        self.group = Group(stores.users, self.recommend)
        self.ratings = Ratings(stores, clock)
        self.catalogue = Catalogue(stores, embedder, self.background.want_vectors)
        self.search = Search(stores, embedder, self.popular)
        self.similar = Similar(stores, self.popular)
        self.from_film = RecommendFromFilm(stores, recommender, self.popular, self.similar, self.preparation, settings)
        self.genres = Genres(stores)
        self.imports = Imports(
            stores, clock, most_rows=settings.max_import_rows, most_bytes=_UNPACKED * settings.max_import_bytes
        )
        self.takeout = Takeout(stores, self.ratings)

    def start(self) -> None:
        """Begin the background work; once."""
        self.background.start()

    def close(self) -> None:
        """End the background work. Stores and clients belong to whoever made them."""
        self.background.close()

    def readiness(self) -> Readiness:
        """Not ready only when the store is out of reach; everything else has a fallback and is named."""
        with deadline(_READINESS_S):
            try:
                self.stores.check()
            except ServiceError as error:
                return Readiness(ready=False, degraded={"store": error.detail})
            found = {"embedding": self._embedding_problem(), "recommender": self._recommender_problem()}
        return Readiness(degraded={name: problem for name, problem in found.items() if problem is not None})

    def info(self) -> dict[str, Any]:
        """What is here, for `/v1/info`; null for what cannot be told now."""
        space = _if_reachable(self.stores.vectors.space)
        counts = _if_reachable(self.stores.users.count)
        models = _if_reachable(self.recommender.models) if self.recommender is not None else ()
        return {
            "strategies": {"model_threshold": self.settings.model_threshold},
            "counts": {
                "movies": _if_reachable(self.stores.movies.count),
                "vectors": _if_reachable(self.stores.vectors.count),
                "users": counts.users if counts else None,
                "ratings": counts.ratings if counts else None,
            },
            "vectors": {"model": space.model, "dimension": space.dimension} if space else None,
            "models": [model.model_dump() for model in models] if models is not None else None,
            "preparation": self.preparation.steps(),
            "poster_url": self.settings.poster_url,
        }

    def _embedding_problem(self) -> str | None:
        if self.embedder is None:
            return "no embedding service is set: new films wait for their vectors (MARQUEE_EMBEDDING_URL)"
        try:
            answer = self.embedder.embed([])
            space = self.stores.vectors.space()
        except ServiceError as error:
            return error.detail
        if space is not None and space.model != answer.model:
            return (
                f"the embedder has {answer.model}, the stored vectors are of {space.model}: new films wait for their "
                "vectors; run marquee embed --rebuild or go back to that model"
            )
        return None

    def _recommender_problem(self) -> str | None:
        if self.recommender is None:
            return "no recommender is set: neighbours rank for everybody (MARQUEE_RECOMMENDER_URL)"
        try:
            models = self.recommender.models()
        except ServiceError as error:
            return error.detail
        if any(model.active for model in models):
            return None
        if self.preparation.is_training:
            return "the model is being trained"
        record = self.stores.meta.read(TRAINING_RECORD)
        if record is not None and record.get("chosen") is None:
            return None  # that the strategies serve was a choice
        return "no model is active: run marquee train"


def _if_reachable(ask: Callable[[], _Value]) -> _Value | None:
    try:
        return ask()
    except ServiceError:
        return None
