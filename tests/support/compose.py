"""compose.yaml as plain values: merged, its variables filled in as Docker Compose would. Only for tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "compose.yaml"
OURS = ("setup", "embedding", "recommender", "core", "dev-ports")
_VARIABLE = re.compile(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}")


class Missing(Exception):
    """A variable that must be set is not; carries the sentence that compose would print."""


def read(variables: Mapping[str, str]) -> dict[str, Any]:
    return fill(yaml.safe_load(FILE.read_text("utf-8")), variables)


def fill(value: Any, variables: Mapping[str, str]) -> Any:
    """`${A}`, `${A:-default}`, `${A:?sentence}`; `$$` is a plain dollar."""
    if isinstance(value, dict):
        return {key: fill(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, variables) for item in value]
    if not isinstance(value, str):
        return value

    def one(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if variables.get(name):
            return variables[name]
        if kind == ":?":
            raise Missing(rest)
        return rest or ""

    return "$".join(_VARIABLE.sub(one, part) for part in value.split("$$"))
