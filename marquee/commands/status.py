"""`marquee status`: what is stored, which vectors, which models."""

from __future__ import annotations

from typing import Any

from marquee.options import Json, Store
from marquee.output import result, result_json


def status(store: Store = None, as_json: Json = False) -> None:
    """What is stored, which vectors, which models."""
    from indexer.load import DOCUMENT
    from marquee.commands.models import figures
    from marquee.training import recommender_settings
    from marquee.wiring import opened_stores, shown_url, store_settings
    from recommender_api.model_files import active_version, list_versions

    with opened_stores(store) as stores:
        counts, space = stores.users.count(), stores.vectors.space()
        found: dict[str, Any] = {
            "store": shown_url(store_settings(store).url),
            "datasets": sorted(stores.meta.read(DOCUMENT) or {}),
            "movies": stores.movies.count(),
            "users": counts.users,
            "ratings": counts.ratings,
            "vectors": stores.vectors.count(),
            "vector_model": space.model if space else None,
        }
    models_dir = recommender_settings().models_dir
    active = active_version(models_dir)
    found["models"] = [
        {"model": v.name, "version": v.version, "active": (v.name, v.version) == active, "metrics": v.metrics}
        for v in list_versions(models_dir)
    ]
    if as_json:
        return result_json(found)
    for name in ("store", "datasets", "movies", "users", "ratings", "vectors", "vector_model"):
        value = found[name]
        shown = f"{value:,}" if isinstance(value, int) else ", ".join(value) if isinstance(value, list) else value
        result(f"{name.replace('_', ' '):13} {shown or 'none'}")
    for model in found["models"]:
        serves = "active  " if model["active"] else ""
        result(f"{'model':13} {model['model']} {model['version']}  {serves}{figures(model['metrics'])}")
    return None
