"""What callers see of the recommender: the `Recommender` protocol and its wire types.

Two implementations: `recommender_api.engine.RecommenderEngine` in the process, `recommender_api.http.HttpRecommender`
over the service. One contract test class runs on both. Nothing heavy is imported here.

The recommender knows no store: history travels with each request, as columns, oldest first.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

Id = Annotated[str, Field(min_length=1, max_length=128)]
Stars = Annotated[FiniteFloat, Field(ge=0, le=5)]
Seconds = Annotated[int, Field(ge=-(2**62), lt=2**62)]  # fits 64 bits


class Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HistoryColumns(Wire):
    """The latest ratings of a user (or a sequence somebody typed in), oldest first, columns of one length."""

    ids: tuple[Id, ...] = ()
    ratings: tuple[Stars, ...] = ()
    timestamps: tuple[Seconds, ...] = ()

    @model_validator(mode="after")
    def _columns_agree(self) -> HistoryColumns:
        if not len(self.ids) == len(self.ratings) == len(self.timestamps):
            raise ValueError(
                f"history columns differ in length: {len(self.ids)} ids, {len(self.ratings)} ratings, "
                f"{len(self.timestamps)} timestamps"
            )
        return self


class RankQuery(Wire):
    """Which films next? `seen` and `avoid` never come back; `avoid` may also push its like away."""

    history: HistoryColumns = HistoryColumns()
    seen: tuple[Id, ...] = ()
    avoid: tuple[Id, ...] = ()
    candidates: tuple[Id, ...] | None = None  # rank only these; None: all films the model knows
    k: int = Field(default=10, ge=1)
    model: str | None = None  # None: the active one
    explain: int = Field(default=0, ge=0, le=10)  # name up to so many films of the history that carry each item


class ScoredItem(Wire):
    id: str
    score: FiniteFloat
    because: tuple[str, ...] = ()  # films of the history: without the first of them the score would be lower


class Ranking(Wire):
    items: tuple[ScoredItem, ...]  # best first, ties by id
    model: str
    version: str
    unknown: tuple[str, ...] = ()  # ids of the query that the model has never seen


class PredictQuery(Wire):
    """How would this user rate these films?"""

    history: HistoryColumns = HistoryColumns()
    items: tuple[Id, ...]
    model: str | None = None


class PredictedItem(Wire):
    id: str
    rating: FiniteFloat


class Predictions(Wire):
    items: tuple[PredictedItem, ...]  # in the order asked; unknown ones are left out
    model: str
    version: str
    unknown: tuple[str, ...] = ()


class ModelInfo(Wire):
    name: str
    version: str
    active: bool
    metrics: dict[str, FiniteFloat] = Field(default_factory=dict)
    problem: str | None = None  # why this version was refused, when it is the one that should be active


class Recommender(Protocol):
    """Every call raises `ModelUnavailable` when none is active yet, its child `UnknownModel` when none is stored
    under the name, and `UpstreamUnavailable` when the service does not answer in time."""

    def rank(self, query: RankQuery) -> Ranking: ...

    def predict(self, query: PredictQuery) -> Predictions:
        """Raises `InvalidRequest` for a model that ranks but does not predict ratings."""

    def models(self) -> tuple[ModelInfo, ...]:
        """The loaded versions, the active one marked and first; then, with its `problem`, one that was activated
        but refused. Empty when there is none."""

    def version(self) -> Hashable | None:
        """A token that differs whenever the models have changed; None where only asking tells what would answer."""

    def reload(self) -> tuple[ModelInfo, ...]:
        """Look at the model folder now instead of at the next poll."""
