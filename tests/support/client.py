"""The in-process HTTP client of the tests; the one place that knows where it comes from."""

from starlette.testclient import TestClient

__all__ = ["TestClient"]
