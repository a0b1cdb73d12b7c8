"""The one way to Elasticsearch: every call bounded by the request's deadline, its failures ours, no retries in one.

`connect` makes the client that the rest of this package uses. The transport underneath translates: no answer, refused
credentials, an overloaded or failing cluster are all `StoreUnavailable`, in a sentence without secrets. What remains
(400, 404, 409) is for the caller. After several failures in a row calls fail at once for a moment.
"""

from __future__ import annotations

import math
import time
from typing import Any
from urllib.parse import unquote, urlsplit

from elastic_transport import (
    ConnectionTimeout,
    SerializationError,
    TlsError,
    Transport,
    TransportApiResponse,
    TransportError,
)
from elasticsearch import Elasticsearch

from indexer.settings import StoreSettings
from service_kit.breaker import Breaker
from service_kit.context import request_id
from service_kit.deadline import DeadlineExceeded, remaining
from service_kit.errors import InvalidRequest, StoreUnavailable

_CONNECTIONS = 40  # as many as there are threads that serve requests
_BREAKER_OPEN_S = 1.0
_OVERLOADED = 429
_PAUSES_S = (0.5, 1.0, 2.0)
_DEFAULT_PORTS = {"http": 9200, "https": 443}


def connect(url: str, settings: StoreSettings) -> Elasticsearch:
    """A thread-safe client; nothing is sent yet. Raises `InvalidRequest` for a URL or CA file that cannot be right."""
    try:
        parts = urlsplit(url)
        default = _DEFAULT_PORTS[parts.scheme]
        port = parts.port or default
    except (ValueError, KeyError):
        parts, port = urlsplit(""), 0
    if not parts.hostname:
        raise InvalidRequest("The store URL is not of the form http(s)://host:9200: correct MARQUEE_STORE.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}"
    options: dict[str, Any] = _credentials(parts.username, parts.password, settings)
    if settings.elasticsearch_ca_file is not None:
        if not settings.elasticsearch_ca_file.is_file():
            raise InvalidRequest(
                f"There is no file {settings.elasticsearch_ca_file}: correct MARQUEE_ELASTICSEARCH_CA_FILE."
            )
        options["ca_certs"] = str(settings.elasticsearch_ca_file)
    return Elasticsearch(
        place,
        transport_class=_transport(place, settings),
        request_timeout=settings.elasticsearch_bulk_timeout_s,
        connections_per_node=_CONNECTIONS,
        max_retries=0,
        retry_on_status=(),
        **options,
    )


def _credentials(user: str | None, password: str | None, settings: StoreSettings) -> dict[str, Any]:
    """Those in the URL, else an API key, else user and password from the settings."""
    if user is None and settings.elasticsearch_api_key is not None:
        return {"api_key": settings.elasticsearch_api_key.get_secret_value()}
    if user is None and settings.elasticsearch_password is not None:
        return {"basic_auth": (settings.elasticsearch_user, settings.elasticsearch_password.get_secret_value())}
    return {} if user is None else {"basic_auth": (unquote(user), unquote(password or ""))}


def _transport(place: str, settings: StoreSettings) -> type[Transport]:
    breaker = Breaker(open_s=_BREAKER_OPEN_S)

    class BoundedTransport(Transport):
        def perform_request(self, method: str, target: str, **options: Any) -> TransportApiResponse:
            seconds, in_a_request = _seconds(place, options["request_timeout"], settings.elasticsearch_timeout_s)
            options["request_timeout"] = seconds
            if current := request_id.get():
                options["headers"] = {**options["headers"], "x-opaque-id": current}
            response = self._once(method, target, options)
            for pause in () if in_a_request else _PAUSES_S:  # bulk work waits until there is room for it
                if response.meta.status != _OVERLOADED:
                    break
                time.sleep(pause)
                response = self._once(method, target, options)
            if (reason := _refusal(response)) is not None:
                raise StoreUnavailable(f"Elasticsearch at {place} {reason}")
            return response

        def _once(self, method: str, target: str, options: dict[str, Any]) -> TransportApiResponse:
            if not breaker.allows():
                raise StoreUnavailable(f"Elasticsearch at {place} failed several times in a row: try again shortly.")
            try:
                response = super().perform_request(method, target, **options)
            except SerializationError:
                raise _stranger(place) from None
            except TransportError as error:
                breaker.failed()
                raise StoreUnavailable(_silence(place, error)) from None
            breaker.succeeded()
            if response.meta.status < 300 and response.meta.headers.get("x-elastic-product") != "Elasticsearch":
                raise _stranger(place)
            return response

    return BoundedTransport


def _seconds(place: str, asked: float, cap: float) -> tuple[float, bool]:
    """What this call may take, and whether it is part of a request: then it gets less than the request has left."""
    try:
        left = remaining(math.inf)
    except DeadlineExceeded:
        raise StoreUnavailable(f"The request's time was used up before Elasticsearch at {place} was asked.") from None
    return (asked, False) if left == math.inf else (min(left, cap, asked), True)


def _silence(place: str, error: TransportError) -> str:
    if isinstance(error, ConnectionTimeout):
        return f"Elasticsearch at {place} did not answer in time."
    if isinstance(error, TlsError) and "certificate" not in str(error).lower():
        return f"What answers at {place} does not speak TLS: use http:// in MARQUEE_STORE, or correct its port."
    if isinstance(error, TlsError):
        return f"Elasticsearch at {place} has no certificate that we trust: set MARQUEE_ELASTICSEARCH_CA_FILE."
    return f"Elasticsearch at {place} is out of reach: start it, or correct MARQUEE_STORE."


def _refusal(response: TransportApiResponse) -> str | None:
    status = response.meta.status
    if status == 401:
        return "refused the credentials: set MARQUEE_ELASTICSEARCH_USER and _PASSWORD, or _API_KEY."
    if status == 400 and isinstance(response.body, dict) and isinstance(response.body.get("error"), str):
        return "knows no such path: correct MARQUEE_STORE."  # errors of calls that it does know are objects
    if status == 403:
        return f"forbids this: {_reason(response.body)}."
    if status == _OVERLOADED:
        return "is overloaded: try again in a moment."
    if status == 408 or status >= 500:
        return f"cannot serve ({status}, {_reason(response.body)})."
    return None


def _reason(body: Any) -> str:
    """The kind of error that Elasticsearch names; never its whole text, which may quote documents."""
    error = body.get("error") if isinstance(body, dict) else None
    kind = error.get("type") if isinstance(error, dict) else None
    return kind if isinstance(kind, str) else "no reason given"


def _stranger(place: str) -> StoreUnavailable:
    return StoreUnavailable(f"What answers at {place} is not Elasticsearch: correct MARQUEE_STORE.")
