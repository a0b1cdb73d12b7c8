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
    "kmf": "recommender_api.models.kmf:KernelFactorisation",
    "mf": "recommender_api.models.mf:MatrixFactorisation",
    "regression": "recommender_api.models.regression:Regression",
    "transitions": "recommender_api.models.transitions:Transitions",
}


def ranker_class(name: str) -> type[Ranker]:
    """Raises ModelUnavailable for a name that is not registered, and where a library that it needs is missing."""
    return cast(type[Ranker], _attribute(name))


def options_class(name: str) -> type[Any]:
    """The model's frozen dataclass of hyperparameters: `Options` in its file."""
    return cast(type[Any], _attribute(name, "Options"))


def _attribute(name: str, attribute: str | None = None) -> Any:
    if name not in RANKERS:
        raise ModelUnavailable(f"There is no model named {name!r}; there are {', '.join(sorted(RANKERS))}.")
    module, _, ranker = RANKERS[name].partition(":")
    try:
        return getattr(import_module(module), attribute or ranker)
    except ModuleNotFoundError as error:  # PyTorch has no build for every machine
        if error.name is None or error.name.partition(".")[0] == __package__.partition(".")[0]:
            raise
        raise ModelUnavailable(
            f"The model {name} needs {error.name}, which is not installed here; install it, or use another model."
        ) from error
