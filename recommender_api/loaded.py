"""The versions in memory: the active one, followed by polling its pointer file, and a few that requests have named.

A new version is loaded whole before it takes the place of the old one in a single assignment: calls under way keep
theirs, none is dropped. A version that cannot be loaded is refused; the previous one goes on serving, and the reason
is logged and shown by `infos`.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from pathlib import Path

from recommender_api.client import ModelInfo
from recommender_api.model_files import LoadedVersion, active_version, load_version, newest_version
from recommender_api.models.base import PlacedRanker
from service_kit.errors import ModelUnavailable, UnknownModel

log = logging.getLogger(__name__)

_Key = tuple[str, str]  # model name, version


class LoadedModels:
    def __init__(self, models_dir: Path, kept: int, device: str = "auto", threads: int = 1) -> None:
        self._dir = models_dir
        self._kept = kept
        self._place = (device, threads)
        self._active: LoadedVersion | None = None
        self._named: OrderedDict[str, LoadedVersion] = OrderedDict()  # by model name, the least recently asked first
        self._refused: tuple[_Key | None, str] | None = None  # what the pointer named, and why it does not serve
        self._loading = threading.Lock()  # one load at a time: two would double the memory
        self._table = threading.Lock()  # guards _named
        self._stop = threading.Event()

    def get(self, name: str | None) -> LoadedVersion:
        """The active version, or the newest of the named model. Raises ModelUnavailable."""
        active = self._active
        if active is not None and name in (None, active.stored.name):
            return active
        if name is None:
            refused = self._refused  # read once: the polling thread may change it meanwhile
            reason = f": {refused[1]}" if refused else " yet; train one and activate it."
            raise ModelUnavailable(f"No model is active{reason}")
        return self._find_named(name)

    def _find_named(self, name: str) -> LoadedVersion:
        version = newest_version(self._dir, name)
        if version is None:
            stored = ", ".join(stored_names(self._dir)) or "none"
            raise UnknownModel(f"no model {name!r} is stored (there are: {stored}); train it first")
        with self._table:
            held = self._named.get(name)
            if held is not None and held.stored.version == version:
                self._named.move_to_end(name)
                return held
        with self._loading:
            with self._table:  # somebody else may have loaded it while this call waited
                held = self._named.get(name)
            if held is None or held.stored.version != version:
                held = self._load(name, version)
        with self._table:
            self._named[name] = held
            self._named.move_to_end(name)
            while len(self._named) > self._kept:
                self._named.popitem(last=False)
        return held

    def _load(self, name: str, version: str) -> LoadedVersion:
        loaded = load_version(self._dir, name, version)
        if isinstance(loaded.ranker, PlacedRanker):
            loaded.ranker.place(*self._place)
        return loaded

    def refresh(self, *, again: bool = False) -> None:
        """Follow the pointer. A version that was refused before is tried once more only if `again`."""
        with self._loading:
            wanted: _Key | None = None
            try:
                wanted = active_version(self._dir)
                if wanted is None or self._serves(wanted):
                    self._refused = None
                elif again or self._refused is None or self._refused[0] != wanted:
                    self._active = self._load(*wanted)
                    self._refused = None
                    log.info("model %s version %s is active", *wanted)
            except (ModelUnavailable, OSError, MemoryError) as error:
                self._refuse(wanted, str(error))

    def _serves(self, wanted: _Key) -> bool:
        return self._active is not None and (self._active.stored.name, self._active.stored.version) == wanted

    def _refuse(self, wanted: _Key | None, reason: str) -> None:
        if self._refused != (wanted, reason):
            log.error("the active model version is refused, the previous one goes on: %s", reason)
        self._refused = (wanted, reason)

    def infos(self) -> tuple[ModelInfo, ...]:
        """The active version first, then the refused one, then those that requests have named."""
        active, refused = self._active, self._refused
        with self._table:
            named = [held for held in self._named.values() if held is not active]
        infos = [_info(active, active=True)] if active is not None else []
        if refused is not None:
            name, version = refused[0] or ("", "")
            infos.append(ModelInfo(name=name, version=version, active=False, problem=refused[1]))
        return (*infos, *(_info(held, active=False) for held in reversed(named)))

    def follow(self, poll_s: float, *, wait: bool) -> None:
        """Poll until `close`. The first look is taken now, here if `wait`, else in the thread."""
        if wait:
            self.refresh()
        thread = threading.Thread(target=self._poll, args=(poll_s, not wait), name="model-poll", daemon=True)
        thread.start()

    def _poll(self, poll_s: float, look_first: bool) -> None:
        if look_first:
            self._look()
        while not self._stop.wait(poll_s):
            self._look()

    def _look(self) -> None:
        try:
            self.refresh()
        except Exception as error:  # the thread must outlive a bug in one model's code; it is logged whole
            log.exception("loading the active model failed")
            self._refused = (None, f"loading failed unexpectedly ({type(error).__name__}); the log has the details")

    def close(self) -> None:
        self._stop.set()


def stored_names(models_dir: Path) -> list[str]:
    """The models of which there is a version, by name."""
    folders = (path.name for path in models_dir.iterdir()) if models_dir.is_dir() else ()
    return sorted(name for name in folders if newest_version(models_dir, name) is not None)


def _info(held: LoadedVersion, *, active: bool) -> ModelInfo:
    stored = held.stored
    return ModelInfo(name=stored.name, version=stored.version, active=active, metrics=stored.metrics)
