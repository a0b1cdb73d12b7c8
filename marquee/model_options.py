"""Options of models as words of a command line, read as the types of the model's own dataclass.

`train` takes one model's as flags, --penalty 12; `evaluate` those of several, --set ncf.penalty=12.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from recommender_api.comparison import Contestant

_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def of_flags(kind: type[Any], words: Sequence[str]) -> dict[str, Any]:
    """`--learning-rate 0.001` or `--learning-rate=0.001` as values. Raises BadParameter for what the model lacks."""
    given: dict[str, Any] = {}
    rest = [part for word in words for part in (word.split("=", 1) if word.startswith("--") else [word])]
    while rest:
        name, *rest = rest
        field = _field(name.removeprefix("--"))
        if not name.startswith("--") or field not in _types(kind):
            known = ", ".join(f"--{option.replace('_', '-')}" for option in _types(kind))
            raise typer.BadParameter(f"{name} is no option of this model; it has {known}")
        if not rest:
            raise typer.BadParameter(f"{name} needs a value")
        value, *rest = rest
        given[field] = _value(kind, field, value, name)
    return given


def of_settings(words: Sequence[str], rows: Mapping[str, Contestant]) -> dict[str, dict[str, Any]]:
    """`ncf.learning_rate=0.001` as values, by the row that is fitted with them. Raises BadParameter as `of_flags`."""
    from recommender_api.models.registry import options_class

    given: dict[str, dict[str, Any]] = {}
    for word in words:
        target, equals, value = word.partition("=")
        row, dot, name = target.rpartition(".")
        if not (equals and dot):
            raise typer.BadParameter(f"--set takes MODEL.OPTION=VALUE, such as ncf.penalty=12, not {word!r}")
        if row not in rows:
            raise typer.BadParameter(f"--set {word}: nothing called {row!r} is compared; there is {', '.join(rows)}")
        model, version = rows[row].model, rows[row].version
        if version is not None:
            raise typer.BadParameter(
                f"--set {word}: a stored version keeps its options; name {model} without @VERSION to fit it with others"
            )
        kind, field = options_class(model), _field(name)
        if field not in _types(kind):
            raise typer.BadParameter(f"--set {word}: {model} has no option {name}; it has {', '.join(_types(kind))}")
        given.setdefault(row, {})[field] = _value(kind, field, value, f"--set {target}")
    return given


def _field(name: str) -> str:
    return name.replace("-", "_")


def _types(kind: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _value(kind: type[Any], field: str, text: str, said: str) -> Any:
    wanted = _types(kind)[field]
    try:
        value = _TRUTH[text.lower()] if wanted is bool else wanted(text)
    except (KeyError, TypeError, ValueError):
        value = math.nan
    if isinstance(value, float) and not math.isfinite(value):  # JSON has no such numbers, so it could not be kept
        raise typer.BadParameter(f"{said} cannot be {text!r}")
    return value
