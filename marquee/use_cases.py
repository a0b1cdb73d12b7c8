"""The core's use cases for one command that asks them without a server: `marquee recommend`, `marquee search`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from marquee.steps import engine_or_lsa
from marquee.wiring import (
    embedder_over_http,
    opened_stores,
    read_settings,
    recommender_in_process,
    recommender_over_http,
)

if TYPE_CHECKING:
    from core_api.core import Core


@contextmanager
def core_in_process(store: str | None, *, embedder: bool = False) -> Iterator[Core]:
    """The use cases for one command; services are called where their URLs are set. An embedder only if asked for."""
    from core_api.core import Core
    from core_api.settings import CoreSettings
    from embedding_generator.settings import EmbeddingSettings

    settings = read_settings(CoreSettings)
    with opened_stores(store) as stores, ExitStack() as parts:
        recommender = recommender_over_http(settings)
        if recommender is None:
            recommender = recommender_in_process()
            parts.callback(recommender.close)
        found = embedder_over_http(settings) if embedder else None
        if embedder and found is None:
            found = engine_or_lsa(stores, read_settings(EmbeddingSettings))
            parts.callback(found.close)
        yield Core(stores, recommender, found, settings)
