"""Counters and timings in Prometheus' format. Labels are route templates, never raw paths."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from starlette.responses import Response

REQUESTS = Counter("marquee_requests_total", "Requests answered", ["service", "method", "route", "status"])
SECONDS = Histogram(
    "marquee_request_seconds",
    "Seconds from the first byte of a request to the last of its answer",
    ["service", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
UPSTREAM = Counter("marquee_upstream_calls_total", "Calls to other services", ["upstream", "outcome"])


def exposition() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
