"""Structured logs on stderr, with the request id on each line; text for a person, JSON for a machine."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from service_kit.context import request_id

_CHATTY = ("httpx", "httpcore", "elastic_transport", "sentence_transformers", "uvicorn.error", "uvicorn.access")


def configure(level: str = "info", fmt: str = "text") -> None:
    """Route structlog and the standard library's loggers to one handler. Call once, at the start of a process."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if fmt == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    last = [structlog.processors.format_exc_info, renderer] if fmt == "json" else [renderer]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _add_request_id(_logger: object, _method: str, event: Any) -> Any:
    current = request_id.get()
    if current:
        event["request_id"] = current
    return event
