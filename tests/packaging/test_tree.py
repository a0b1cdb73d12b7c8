"""What the tree must hold, and what no file of it may tell."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.slow  # as a whole: the fast tests are to end within a minute

ROOT = Path(__file__).resolve().parents[2]
CODE = ["marquee", "core_api", "recommender_api", "embedding_generator", "indexer", "service_kit"]
# Put together so that this file does not hold what it looks for.
REGISTRY_HOSTS = [
    "pypi" + ".org",
    "files.python" + "hosted.org",
    "repo1.maven" + ".org",
    "repo.maven.apache" + ".org",
    "registry.npm" + "js.org",
    "download.py" + "torch.org",
    "deb.deb" + "ian.org",
]
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|work|home/\w+|Users/\w+)/[\w.]")


def tracked_texts() -> list[tuple[str, str]]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    texts = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file():
            texts.append((name, path.read_bytes().decode("utf-8", errors="replace")))
    return texts


def imported(folder: str) -> set[str]:
    """Top-level names that the modules of a folder import, also inside functions."""
    names: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        if "peers" in path.parts:  # has an environment and a lock of its own
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize(
    "folder", ["core_api", "recommender_api", "embedding_generator", "indexer", "tests", "examples", "marquee"]
)
def test_the_folder_is_there_and_holds_something(folder: str) -> None:
    assert any(path.is_file() for path in (ROOT / folder).rglob("*.*")), folder


@pytest.mark.parametrize(
    "package",
    ["elasticsearch", "fastapi", "uvicorn", "sentence_transformers", "torch", "sklearn", "httpx", "pydantic"],
)
def test_the_package_is_in_use(package: str) -> None:
    assert package in set().union(*(imported(folder) for folder in CODE))


EXTRAS = {  # what each folder may import beside the plain dependencies
    "marquee": [],
    "core_api": [],
    "indexer": [],
    "service_kit": [],
    "recommender_api": ["models", "torch", "eval", "tfrecord", "test"],  # the contract for plugins needs pytest
    "embedding_generator": ["embedding", "torch"],
    "tests": ["test"],
    "benchmarks": ["test"],
}


@pytest.mark.parametrize("folder", EXTRAS)
def test_every_library_that_is_imported_is_asked_for(folder: str) -> None:
    declared = {canonicalize_name(name) for extra in [None, *EXTRAS[folder]] for name in asked_for(extra)}
    distributions = packages_distributions()
    ours = {*CODE, "tests", "benchmarks", *sys.stdlib_module_names}
    used = {canonicalize_name(distributions.get(name, [name])[0]) for name in imported(folder) - ours}
    assert used - declared <= {"pydantic-core", "threadpoolctl", "protobuf"}  # come with what uses them


def asked_for(extra: str | None) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    names = set()
    for requirement in map(Requirement, lines):
        if requirement.name == project["name"]:
            names |= set().union(*(asked_for(name) for name in requirement.extras))
        else:
            names.add(requirement.name)
    return names


def test_httpx2_is_used_by_no_part_of_the_product() -> None:
    assert not [folder for folder in CODE if "httpx2" in imported(folder)]


def test_no_file_names_a_registry_host() -> None:
    found = [(name, host) for name, text in tracked_texts() for host in REGISTRY_HOSTS if host in text]
    assert not found


def test_no_file_names_a_path_of_one_machine() -> None:
    found = [(name, match[0]) for name, text in tracked_texts() if (match := MACHINE_PATH.search(text))]
    assert not found


def test_no_file_is_pickled() -> None:
    unsafe = {"pickle", "cloudpickle", "joblib", "dill", "shelve", "marshal"}
    found = {folder: names for folder in CODE if (names := imported(folder) & unsafe)}
    assert not found
