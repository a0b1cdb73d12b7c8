"""Which rankers there are. A new model is one file in this folder and one line here.

Names map to "module:class" and are imported when asked for, so a server whose active model is plain numpy never
imports torch or scikit-learn.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from recommender_api.models.base import Ranker
from service_kit.errors import ModelUnavailable

RANKERS = {
    "bert4rec": "recommender_api.models.bert4rec:Bert4Rec",
    "forest": "recommender_api.models.forest:Forest",
    "regression": "recommender_api.models.regression:Regression",
    "transitions": "recommender_api.models.transitions:Transitions",
}


def ranker_class(name: str) -> type[Ranker]:
    """Raises ModelUnavailable for a name that is not registered."""
    module, _, attribute = _target(name).partition(":")
    return cast(type[Ranker], getattr(import_module(module), attribute))


def options_class(name: str) -> type[Any]:
    """The model's frozen dataclass of hyperparameters: `Options` in its file."""
    return cast(type[Any], import_module(_target(name).partition(":")[0]).Options)


def _target(name: str) -> str:
    if name not in RANKERS:
        raise ModelUnavailable(f"There is no model named {name!r}; there are {', '.join(sorted(RANKERS))}.")
    return RANKERS[name]
