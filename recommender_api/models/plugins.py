"""Rankers that other installed packages bring: entry points of the group `marquee.rankers`, a name -> "module:Class".

    [project.entry-points."marquee.rankers"]
    my_ranker = "my_ranker:MyRanker"

Their names are read from the packages' metadata when first asked for; their code is imported when a model is. Nothing
here trusts it: what it raises becomes a sentence that names the package, so a server goes on without that model.
`examples/my_ranker` shows one; `recommender_api.testing` has the tests that every ranker must pass.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from service_kit.errors import ModelUnavailable, ServiceError

GROUP = "marquee.rankers"

_METHODS = ("fit", "scores", "predict", "save", "load")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")  # a folder's name and a word of the command line
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plugins:
    usable: Mapping[str, EntryPoint]
    refused: Mapping[str, str]  # name -> why, a sentence

    def of(self, name: str) -> EntryPoint:
        """Raises ModelUnavailable for one that was refused, KeyError for a name that nobody offers."""
        if name in self.refused and name not in self.usable:
            raise ModelUnavailable(self.refused[name])
        return self.usable[name]


@cache
def installed(taken: frozenset[str]) -> Plugins:
    """What the packages here offer. A name in `taken`, or offered by two packages, is refused."""
    offered: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        if entry not in offered.setdefault(entry.name, []):
            offered[entry.name].append(entry)
    usable, refused = {}, {}
    for name, entries in sorted(offered.items()):
        packages = " and ".join(sorted(map(package, entries)))
        if name in taken:
            refused[name] = f"The ranker {name} of {packages} is not used: marquee-recommender has a {name} itself."
        elif len(entries) > 1:
            refused[name] = f"The packages {packages} both offer a ranker {name}: neither is used; uninstall one."
        elif not _NAME.fullmatch(name):
            refused[name] = f"The ranker {name!r} of {packages} is not used: a name is a-z, 0-9 and _."
        else:
            usable[name] = entries[0]
    return Plugins(usable, refused)


def package(entry: EntryPoint) -> str:
    """The distribution that an entry point belongs to."""
    return entry.dist.name if entry.dist is not None else entry.value


def ranker_of(entry: EntryPoint) -> type[Any]:
    """The class. Raises ModelUnavailable where it cannot be imported or is no ranker."""
    with guarded(entry):
        found = entry.load()
    if missing := [name for name in _METHODS if not callable(getattr(found, name, None))]:
        raise _unusable(entry, f"{entry.value} has no {', '.join(missing)}")
    if getattr(found, "name", None) != entry.name:
        raise _unusable(entry, f"{entry.value} calls itself {getattr(found, 'name', None)!r}")
    return found  # type: ignore[no-any-return]


def options_of(entry: EntryPoint) -> type[Any]:
    """`Options` of the file that has the class. Raises ModelUnavailable like `ranker_of`."""
    module = sys.modules[ranker_of(entry).__module__]
    options = getattr(module, "Options", None)
    if not (isinstance(options, type) and is_dataclass(options)):
        raise _unusable(entry, f"{module.__name__} has no dataclass Options")
    return options


@contextmanager
def guarded(entry: EntryPoint) -> Iterator[None]:
    """Around every call of a plugin's code: its errors are logged whole and become ModelUnavailable."""
    try:
        yield
    except ServiceError:
        raise
    except Exception as error:  # anything may go wrong in there, and no server of ours may fall over it
        log.exception("the ranker %s of the package %s failed", entry.name, package(entry))
        raise _unusable(entry, f"{type(error).__name__}: {error}") from error


def _unusable(entry: EntryPoint, why: str) -> ModelUnavailable:
    return ModelUnavailable(f"The ranker {entry.name} of the package {package(entry)} cannot be used: {why}.")
