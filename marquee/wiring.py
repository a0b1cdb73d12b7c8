"""The composition root: settings in, parts out. Nothing else decides which implementation stands behind a protocol.

Everything heavy is imported where it is built, so a command pays only for what it uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from marquee.output import say
from service_kit.errors import InvalidRequest, ModelUnavailable

if TYPE_CHECKING:
    from core_api.settings import CoreSettings
    from embedding_generator.client import Embedder
    from embedding_generator.engine import EmbeddingEngine
    from embedding_generator.settings import EmbeddingSettings
    from indexer.ports import Stores
    from indexer.settings import StoreSettings
    from recommender_api.client import Recommender
    from recommender_api.engine import RecommenderEngine
    from service_kit.http import ServiceClient
    from service_kit.settings import MarqueeSettings

S = TypeVar("S", bound="MarqueeSettings")
_SECRET = ("api_keys", "service_key", "elasticsearch_password", "elasticsearch_api_key")


@contextmanager
def readable_settings() -> Iterator[None]:
    """A setting that cannot be is one sentence that names the variable."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        # A key in plain text is an easy mistake, a password in an address a common one.
        given = "what it is" if name in _SECRET else shown_url(repr(first["input"]))
        raise InvalidRequest(f"MARQUEE_{name.upper()} cannot be {given}: {first['msg']}") from None
    except SettingsError as error:
        raise InvalidRequest(f"the settings cannot be read: {error}") from None
    except UnicodeDecodeError:  # of the file; the environment is text already
        raise InvalidRequest("the file .env in this folder is not UTF-8: save it as UTF-8") from None


def read_settings(kind: type[S], **given: Any) -> S:
    """The settings of one part; what a command was told (None: nothing) goes before environment and `.env`."""
    with readable_settings():
        return kind(**{name: value for name, value in given.items() if value is not None})


def store_settings(url: str | None) -> StoreSettings:
    from indexer.settings import StoreSettings

    return read_settings(StoreSettings, store=url)


@contextmanager
def opened_stores(url: str | None) -> Iterator[Stores]:
    """The stores of a command, closed at its end."""
    from indexer.open import open_stores

    settings = store_settings(url)
    stores = open_stores(settings.url, settings)
    try:
        yield stores
    finally:
        stores.close()


def embedder_over_http(core: CoreSettings) -> Embedder | None:
    """The client of the embedding service, where there is one."""
    if core.embedding_url is None:
        return None
    from embedding_generator.http import HttpEmbedder

    return HttpEmbedder(_client("embedding", core.embedding_url, core))


def recommender_over_http(core: CoreSettings) -> Recommender | None:
    if core.recommender_url is None:
        return None
    from recommender_api.http import HttpRecommender

    return HttpRecommender(_client("recommender", core.recommender_url, core))


def recommender_in_process() -> RecommenderEngine:
    from recommender_api.engine import RecommenderEngine
    from recommender_api.settings import RecommenderSettings

    return RecommenderEngine.of(read_settings(RecommenderSettings))


def load_engine_or_fitted(settings: EmbeddingSettings) -> EmbeddingEngine:
    """The model of the settings; where it cannot be loaded, the one that `marquee embed --model lsa` fitted here."""
    from embedding_generator.lazy import load_engine
    from embedding_generator.lsa import NAME, is_lsa

    try:
        return load_engine(settings)
    except ModelUnavailable as error:
        if "embedding_model" in settings.model_fields_set or not is_lsa(settings.embedding_models_dir / NAME):
            raise
        say(f"{error.detail}; serving {NAME}, which was fitted on the catalogue")
        return load_engine(settings.model_copy(update={"embedding_model": NAME}))


def shown_url(url: str) -> str:
    """Without the password that it may carry."""
    return re.sub(r"(://[^:/@]+:)[^@/]+@", r"\1********@", url)


def _client(name: str, url: str, core: CoreSettings) -> ServiceClient:
    from service_kit.http import ServiceClient

    key = core.service_key.get_secret_value() if core.service_key else None
    return ServiceClient(name, url, key, core.service_deadline_s)
