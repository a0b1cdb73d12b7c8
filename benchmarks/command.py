"""How benchmarks are called: each says what it is and what it takes, and one sentence where it cannot start."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from service_kit.errors import InvalidRequest, ServiceError


def command(about: str | None) -> ArgumentParser:
    """A parser that names the module as it was typed, and shows its docstring."""
    spec = sys.modules["__main__"].__spec__
    name = spec.name.removesuffix(".__main__") if spec else Path(sys.argv[0]).name
    return ArgumentParser(f"python -m {name}", description=about, formatter_class=RawDescriptionHelpFormatter)


def takes_export(parser: ArgumentParser, *, or_dataset: bool = False) -> None:
    """The argument `data`."""
    what = "the folder that `marquee export` wrote" + (", or that of a data set" if or_dataset else "")
    parser.add_argument("data", type=Path, metavar="EXPORT|DATASET_FOLDER" if or_dataset else "EXPORT", help=what)


def chosen(parser: ArgumentParser, given: str, known: Collection[str]) -> list[str]:
    """Names with commas between; one that there is not ends the command."""
    names = given.split(",")
    if unknown := [name for name in names if name not in known]:
        parser.error(f"there is no {unknown[0]!r}; there are {', '.join(known)}")
    return names


@contextmanager
def in_one_sentence() -> Iterator[None]:
    """What cannot be read or reached is said as its error says it, without a trace."""
    try:
        yield
    except ServiceError as error:
        raise SystemExit(str(error)) from None


def prepared(store: str | None = None) -> None:
    """Raises InvalidRequest for a store without ratings: nothing could be measured on it."""
    from marquee.wiring import opened_stores

    with opened_stores(store) as stores:
        if not stores.users.count().ratings:
            raise InvalidRequest("There are no ratings in this MARQUEE_HOME; run `marquee setup` in it first.")
