"""Which rankers there are. A new model is one file in this folder and one line here, or a package (`models.plugins`).

Names map to "module:class" and are imported when asked for, so a server whose active model is plain numpy never
imports torch or scikit-learn. Other packages are looked for only when a name is not one of ours, or all are listed.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from importlib.metadata import EntryPoint
from typing import Any, cast

from recommender_api.models import plugins
from recommender_api.models.base import Ranker
from service_kit.errors import ModelUnavailable

RANKERS = {
    "bert4rec": "recommender_api.models.bert4rec:Bert4Rec",
    "blend": "recommender_api.models.blend:Blend",
    "ease": "recommender_api.models.ease:Ease",
    "forest": "recommender_api.models.forest:Forest",
    "item_knn": "recommender_api.models.item_knn:ItemKnn",
    "kmf": "recommender_api.models.kmf:KernelFactorisation",
    "mf": "recommender_api.models.mf:MatrixFactorisation",
    "ncf": "recommender_api.models.ncf:Ncf",
    "regression": "recommender_api.models.regression:Regression",
    "softmax": "recommender_api.models.softmax:Softmax",
    "soup": "recommender_api.models.soup:Soup",
    "transitions": "recommender_api.models.transitions:Transitions",
}


def ranker_names() -> list[str]:
    """Every name that can be asked for, ours and those of installed packages, ascending."""
    return sorted({*RANKERS, *_plugins().usable})


def refused_plugins() -> list[str]:
    """A sentence for each ranker of another package whose name is taken."""
    return list(_plugins().refused.values())


def is_ranker(name: str) -> bool:
    return name in RANKERS or name in _plugins().usable


def check_name(name: str) -> None:
    """Raises ModelUnavailable for a name that is not registered."""
    if name not in RANKERS:
        _plugin(name)


def ranker_class(name: str) -> type[Ranker]:
    """Raises ModelUnavailable for a name that is not registered, where a library is missing, or a package is broken."""
    if name in RANKERS:
        return cast(type[Ranker], _attribute(name))
    return cast(type[Ranker], plugins.ranker_of(_plugin(name)))


def options_class(name: str) -> type[Any]:
    """The model's frozen dataclass of hyperparameters: `Options` in its file."""
    if name in RANKERS:
        return cast(type[Any], _attribute(name, "Options"))
    return plugins.options_of(_plugin(name))


def guarded(name: str) -> AbstractContextManager[None]:
    """Around calls of a ranker: what another package's raises becomes ModelUnavailable; ours may show their bugs."""
    entry = None if name in RANKERS else _plugins().usable.get(name)
    return nullcontext() if entry is None else plugins.guarded(entry)


def _plugins() -> plugins.Plugins:
    return plugins.installed(frozenset(RANKERS))


def _plugin(name: str) -> EntryPoint:
    try:
        return _plugins().of(name)
    except KeyError:
        raise ModelUnavailable(f"There is no model named {name!r}; there are {', '.join(ranker_names())}.") from None


def _attribute(name: str, attribute: str | None = None) -> Any:
    module, _, ranker = RANKERS[name].partition(":")
    try:
        return getattr(import_module(module), attribute or ranker)
    except ModuleNotFoundError as error:  # PyTorch has no build for every machine
        if error.name is None or error.name.partition(".")[0] == __package__.partition(".")[0]:
            raise
        raise ModelUnavailable(
            f"The model {name} needs {error.name}, which is not installed here; install it, or use another model."
        ) from error
