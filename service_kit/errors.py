"""The errors that cross part boundaries. Adapters translate to these at their edge; `problems` turns them into answers.

ServiceError                 status, slug, one sentence
|- InvalidRequest            422   the caller's mistake, named
|- NotFound                  404
|- VectorSpaceMismatch       409   vectors of another model or length than the index's
|- ModelUnavailable          503   no model is loaded yet, or it cannot be
|  `- UnknownModel           404   nothing of that name is stored; its sentence names what is
|- UpstreamUnavailable       503   a service did not answer in time, or refused
|- StoreUnavailable          503   the store is out of reach
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class ServiceError(Exception):
    """An error with one sentence for the caller that names the thing and the remedy."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"
    retry_after: ClassVar[int | None] = None  # seconds, for the Retry-After header

    def __init__(self, detail: str, **extra: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra: Mapping[str, object] = extra  # further members of the problem document


class InvalidRequest(ServiceError):
    status, slug, title = 422, "invalid-request", "The request is not valid"


class NotFound(ServiceError):
    status, slug, title = 404, "not-found", "Not found"


class VectorSpaceMismatch(ServiceError):
    status, slug, title = 409, "vector-space-mismatch", "Vectors of another space"


class ModelUnavailable(ServiceError):
    status, slug, title = 503, "model-unavailable", "Model not available"
    retry_after: ClassVar[int | None] = 5


class UnknownModel(ModelUnavailable):
    status, slug, title, retry_after = 404, "unknown-model", "No such model", None


class UpstreamUnavailable(ServiceError):
    status, slug, title, retry_after = 503, "upstream-unavailable", "A service did not answer", 5


class StoreUnavailable(ServiceError):
    status, slug, title, retry_after = 503, "store-unavailable", "The store is out of reach", 2
