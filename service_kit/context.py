"""The id of the request being served, for logs, problems and calls to other services."""

from __future__ import annotations

import re
import uuid
from contextvars import ContextVar

HEADER = "X-Request-ID"
_ACCEPTED = re.compile(r"[A-Za-z0-9._:-]{1,128}")

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def accept_or_make(given: str | None) -> str:
    """The caller's id if it is short and plain (it goes into logs and headers), else a new one."""
    return given if given and _ACCEPTED.fullmatch(given) else uuid.uuid4().hex
