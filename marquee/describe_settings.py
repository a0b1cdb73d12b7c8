"""What settings there are, read off their classes: for `marquee config`, `.env.example` and the documentation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dotenv import dotenv_values
from pydantic.fields import FieldInfo

from marquee.settings import groups
from marquee.wiring import shown_url

# Read by others than Marquee's settings classes.
ELSEWHERE = {
    "ELASTIC_PASSWORD": "Password of Elasticsearch in compose.yaml; `make up` writes a random one",
    "ELASTICSEARCH_URL": "A running Elasticsearch for the tests, which else start their own",
}


@dataclass(frozen=True)
class Setting:
    group: str
    variable: str
    default: str  # as one would write it; "" for none
    meaning: str
    value: str  # what is in force, secrets masked
    source: str  # environment, .env, default


def settings() -> Iterator[Setting]:
    """Every setting once; a service's own default of a shared one (its port) shows as a setting of that group."""
    dotenv = {name.upper() for name, value in dotenv_values(".env").items() if value}
    shown: dict[str, Any] = {}
    for group, kind in groups():
        now = kind()
        for name, field in kind.model_fields.items():
            default = _default(field)
            if name in shown and shown[name] == default:
                continue
            shown[name] = default
            variable = f"MARQUEE_{name.upper()}"
            source = "environment" if os.environ.get(variable) else ".env" if variable in dotenv else "default"
            value = _text(getattr(now, name))
            yield Setting(group, variable, default, _meaning(field), _masked(name, field, value), source)


def markdown() -> str:
    lines = [
        "# Configuration",
        "",
        "Written by `make config` from the settings classes; a test fails when it is out of date.",
        "",
        "Values come from the environment, else from `.env` in the working folder, else from the defaults below.",
        "`marquee config` shows each value and where it came from.",
    ]
    group = None
    for setting in settings():
        if setting.group != group:
            group = setting.group
            lines += ["", f"## {group}", "", "| Variable | Default | Meaning |", "|---|---|---|"]
        default = f"`{setting.default}`" if setting.default else ""
        lines.append(f"| `{setting.variable}` | {default} | {_cell(setting.meaning)} |")
    lines += ["", "## Read elsewhere", "", "| Variable | Meaning |", "|---|---|"]
    lines += [f"| `{variable}` | {_cell(meaning)} |" for variable, meaning in ELSEWHERE.items()]
    return "\n".join(lines) + "\n"


def env_example() -> str:
    """A `.env` with everything commented out: what stands here is what holds without it."""
    lines = ["# Copy to .env and change what should differ. Written by `make config` from the settings classes."]
    group = None
    for setting in settings():
        if setting.group != group:
            group = setting.group
            lines += ["", f"# --- {group} ---"]
        lines += [f"# {setting.meaning}", f"#{setting.variable}={setting.default}"]
    lines += ["", "# --- Read elsewhere ---"]
    for variable, meaning in ELSEWHERE.items():
        lines += [f"# {meaning}", f"#{variable}="]
    return "\n".join(lines) + "\n"


def _default(field: FieldInfo) -> str:
    """As written in a `.env`; a default that is computed on this machine (the home folder) is not shown."""
    return "" if field.default_factory is not None or field.is_required() else _text(field.default)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list | frozenset):
        return ",".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _meaning(field: FieldInfo) -> str:
    return " ".join((field.description or "").split()).rstrip(".")


def _masked(name: str, field: FieldInfo, value: str) -> str:
    secret = name == "api_keys" or "SecretStr" in str(field.annotation)
    if secret and value:
        return "********"
    return shown_url(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
