"""A blocking HTTP client for one of our services, bounded in every direction: time, concurrency, size, failures.

No retries: on the request path a retry only makes an overload worse, and every caller has a fallback.
The HTTP library is named in this file alone.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any, NoReturn

import httpx

from service_kit import context, deadline
from service_kit.breaker import Breaker
from service_kit.deadline import DeadlineExceeded
from service_kit.errors import (
    InvalidRequest,
    ModelUnavailable,
    NotFound,
    ServiceError,
    UnknownModel,
    UpstreamUnavailable,
)
from service_kit.metrics import UPSTREAM
from service_kit.problems import TYPE_PREFIX

_MAX_ANSWER_BYTES = 256 * 1024 * 1024
# Problems that a service names and that its client raises again as they were.
_SAME_HERE: dict[str, type[ServiceError]] = {
    e.slug: e for e in (InvalidRequest, NotFound, ModelUnavailable, UnknownModel)
}


class ServiceClient:
    """Calls to one service. `timeout_s` bounds a whole call, also when the peer trickles its answer."""

    def __init__(
        self,
        name: str,
        base_url: str,
        service_key: str | None = None,
        timeout_s: float = 0.8,
        max_concurrency: int = 32,
        breaker: Breaker | None = None,
    ) -> None:
        self.name = name
        self.timeout_s = timeout_s
        self._slots = threading.BoundedSemaphore(max_concurrency)
        self._breaker = breaker or Breaker()
        headers = {"Authorization": f"Bearer {service_key}"} if service_key else {}
        limits = httpx.Limits(max_connections=max_concurrency, max_keepalive_connections=max_concurrency)
        self._http = httpx.Client(base_url=base_url, headers=headers, limits=limits, trust_env=False)

    def get(self, path: str, *, timeout_s: float | None = None) -> Any:
        return self._call("GET", path, None, {}, timeout_s)

    def post(
        self, path: str, body: Any, *, headers: Mapping[str, str] | None = None, timeout_s: float | None = None
    ) -> Any:
        """The decoded answer. Raises the problem that the service named (InvalidRequest, NotFound,
        ModelUnavailable), else UpstreamUnavailable."""
        return self._call("POST", path, body, headers or {}, timeout_s)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> ServiceClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, method: str, path: str, body: Any, headers: Mapping[str, str], timeout_s: float | None) -> Any:
        seconds = deadline.remaining(timeout_s or self.timeout_s)
        if not self._breaker.allows():
            UPSTREAM.labels(self.name, "refused").inc()
            raise UpstreamUnavailable(f"the {self.name} service failed several times in a row and is left alone")
        if not self._slots.acquire(blocking=False):
            UPSTREAM.labels(self.name, "busy").inc()
            raise UpstreamUnavailable(f"too many calls to the {self.name} service are under way")
        try:
            with deadline.deadline(seconds):
                status, content = self._exchange(method, path, body, headers, seconds)
        except (DeadlineExceeded, httpx.TimeoutException):
            self._failed(f"the {self.name} service did not answer within {seconds:.2g} s")
        except httpx.HTTPError as error:
            self._failed(f"the {self.name} service is out of reach ({type(error).__name__})")
        finally:
            self._slots.release()
        if status >= 500 and _problem_slug(content) not in _SAME_HERE:
            self._failed(f"the {self.name} service answered {status}")
        self._breaker.succeeded()
        UPSTREAM.labels(self.name, "answered").inc()
        return self._decode(status, content)

    def _exchange(
        self, method: str, path: str, body: Any, headers: Mapping[str, str], seconds: float
    ) -> tuple[int, bytes]:
        """The library's timeouts are per read; the loop makes them one for the whole answer."""
        sent = {**headers, deadline.HEADER: str(max(1, int(seconds * 1000)))}
        current = context.request_id.get()
        if current:
            sent[context.HEADER] = current
        parts: list[bytes] = []
        size = 0
        with self._http.stream(method, path, json=body, headers=sent, timeout=seconds) as answer:
            for part in answer.iter_bytes():
                deadline.remaining(seconds)
                size += len(part)
                if size > _MAX_ANSWER_BYTES:
                    raise httpx.DecodingError("answer too large")
                parts.append(part)
        return answer.status_code, b"".join(parts)

    def _failed(self, sentence: str) -> NoReturn:
        self._breaker.failed()
        UPSTREAM.labels(self.name, "failed").inc()
        raise UpstreamUnavailable(sentence) from None

    def _decode(self, status: int, content: bytes) -> Any:
        try:
            answer = json.loads(content)
        except ValueError:
            raise UpstreamUnavailable(f"the {self.name} service answered {status} with something not JSON") from None
        if 200 <= status < 300:
            return answer
        kind = _SAME_HERE.get(_problem_slug(content) or "")
        detail = answer.get("detail") if isinstance(answer, dict) else None
        if kind is not None and isinstance(detail, str):
            raise kind(detail)
        raise UpstreamUnavailable(f"the {self.name} service answered {status}: {detail or 'no reason given'}")


def _problem_slug(content: bytes) -> str | None:
    try:
        kind = json.loads(content).get("type", "")
    except (ValueError, AttributeError):
        return None
    return kind.removeprefix(TYPE_PREFIX) if isinstance(kind, str) else None
