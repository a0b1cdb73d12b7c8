"""Where a data set is: a folder that was named, the user's collection, the cache, the network, or else the demo world.

Called by the commands that take a data set. Reading it is `dataset`'s business, fetching it `download`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from indexer.datasets.errors import DatasetError, Unreachable
from indexer.datasets.known import KNOWN
from indexer.datasets.settings import DatasetSettings
from service_kit.progress import NoProgress, Progress

DEMO = Path(__file__).parent / "demo"
Origin = Literal["given", "datasets", "cache", "download", "demo"]


@dataclass(frozen=True, slots=True)
class Found:
    """A place that `open_dataset` can read. `note` is a line for the user, where there is something to say."""

    path: Path
    origin: Origin
    note: str = ""


def find_dataset(
    name_or_path: str | Path,
    settings: DatasetSettings,
    *,
    or_demo: bool = True,
    progress: Progress | None = None,
) -> Found:
    """Find the data set, downloading it if nothing else helps.

    Without a network the shipped demo world takes its place and `note` says so, unless `or_demo` is off. Raises
    DatasetError for a name that nobody knows, and for a download that is not what it should be.
    """
    path = Path(name_or_path).expanduser()
    if path.exists():
        return Found(path, "given")
    name = str(name_or_path)
    if name == "demo":
        return Found(DEMO, "demo")
    if len(Path(name).parts) != 1 or name in (".", ".."):
        raise DatasetError(f"{name} does not exist: name a folder or zip archive, or one of {', '.join(KNOWN)}.")
    for folder, origin in _places(settings):
        for place in (folder / name, folder / f"{name}.zip"):
            if place.exists():
                return Found(place, origin)
    if name not in KNOWN:
        where = f" in {settings.datasets}" if settings.datasets else ""
        raise DatasetError(f"There is no data set {name!r}{where}: name a folder, demo, or one of {', '.join(KNOWN)}.")
    return _fetch(name, settings, or_demo, progress or NoProgress())


def _places(settings: DatasetSettings) -> list[tuple[Path, Origin]]:
    own: list[tuple[Path, Origin]] = [(settings.datasets.expanduser(), "datasets")] if settings.datasets else []
    return [*own, (settings.cache, "cache")]


def _fetch(name: str, settings: DatasetSettings, or_demo: bool, progress: Progress) -> Found:
    from indexer.datasets.download import download  # needs an HTTP client, which reading does not

    try:
        if settings.offline:
            raise Unreachable("MARQUEE_OFFLINE is set")
        return Found(download(name, settings, progress), "download")
    except Unreachable as problem:
        sentence = f"{name} could not be downloaded ({problem})"
        remedy = f"for the real one put {KNOWN[name].url} into {settings.cache}"
        if not or_demo:
            raise DatasetError(f"{sentence}; {remedy}.") from problem
        return Found(DEMO, "demo", f"{sentence}: using the small invented demo catalogue instead; {remedy}.")
