"""The recommender behind its service: the same calls as `RecommenderEngine`, over `service_kit.http.ServiceClient`.

Used by the core where parts run as processes of their own. No retries, no caching; `app.py` is the other end.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from recommender_api.client import ModelInfo, Predictions, PredictQuery, Ranking, RankQuery, Wire
from service_kit.errors import UpstreamUnavailable
from service_kit.http import ServiceClient

Answer = TypeVar("Answer", bound=BaseModel)


class ModelList(Wire):
    """What `GET /models` and `POST /models/reload` answer."""

    models: tuple[ModelInfo, ...]


class HttpRecommender:
    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    def rank(self, query: RankQuery) -> Ranking:
        return self._read(Ranking, self._client.post("/rank", _body(query)))

    def predict(self, query: PredictQuery) -> Predictions:
        return self._read(Predictions, self._client.post("/predict", _body(query)))

    def models(self) -> tuple[ModelInfo, ...]:
        return self._read(ModelList, self._client.get("/models")).models

    def version(self) -> None:
        """The service may have gone or changed its model since the last call."""

    def reload(self) -> tuple[ModelInfo, ...]:
        return self._read(ModelList, self._client.post("/models/reload", {})).models

    def _read(self, kind: type[Answer], answer: Any) -> Answer:
        try:
            return kind.model_validate(answer)
        except ValidationError as error:
            raise UpstreamUnavailable(
                f"the {self._client.name} service answered something that is no {kind.__name__} "
                f"({error.error_count()} mistakes): its version may differ"
            ) from None


def _body(query: Wire) -> dict[str, Any]:
    return query.model_dump(exclude_none=True)
