"""The lock installs the same things everywhere and tells nothing about the machine that wrote it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "requirements"
HASHED = ["run.txt", "dev.txt", "install.txt", "cuda.txt"]
MACHINES = [
    (system, machine, python)
    for system, machines in {"linux": ("x86_64", "aarch64"), "darwin": ("x86_64", "arm64")}.items()
    for machine in machines
    for python in ("3.11.0", "3.12.0", "3.13.0")
]


def entries(name: str) -> dict[Requirement, list[str]]:
    """Each requirement of a lock file with its hashes."""
    found: dict[Requirement, list[str]] = {}
    for block in re.findall(r"^[^\s#].*\n(?:[ ]+.*\n)*", (LOCKS / name).read_text(), re.MULTILINE):
        head, *rest = block.replace("\\", "").splitlines()
        found[Requirement(head)] = [line.strip() for line in rest]
    return found


def chosen(name: str, system: str, machine: str, python: str) -> dict[str, str]:
    """Package -> version that an installation on this machine takes from a lock file."""
    environment = {
        "sys_platform": system,
        "platform_machine": machine,
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "platform_system": system.capitalize(),
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    picked: dict[str, str] = {}
    for requirement in entries(name):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            assert requirement.name not in picked, f"{requirement.name} twice on {system} {machine} {python}"
            picked[requirement.name] = next(iter(requirement.specifier)).version
    return picked


def needs(extra: str) -> list[Requirement]:
    """What pyproject.toml asks for with an extra, extras of extras followed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = [Requirement(line) for line in project["dependencies"]]
    queue = [Requirement(line) for line in project["optional-dependencies"][extra]]
    while queue:
        requirement = queue.pop()
        if requirement.name == project["name"]:
            queue += [Requirement(x) for name in requirement.extras for x in project["optional-dependencies"][name]]
        else:
            found.append(requirement)
    return found


@pytest.mark.parametrize("name", HASHED)
def test_every_entry_is_pinned_to_one_version_and_has_hashes(name: str) -> None:
    for requirement, hashes in entries(name).items():
        assert [spec.operator for spec in requirement.specifier] == ["=="], str(requirement)
        assert hashes, f"{requirement} has no hash"
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line) for line in hashes), str(requirement)


@pytest.mark.parametrize("machine", MACHINES, ids=" ".join)
@pytest.mark.parametrize(("name", "extra"), [("run.txt", "all"), ("dev.txt", "dev")])
def test_the_lock_holds_everything_that_the_project_asks_for_on_each_machine(
    name: str, extra: str, machine: tuple[str, str, str]
) -> None:
    picked = chosen(name, *machine)
    for requirement in needs(extra):
        if requirement.name == "torch" or (
            requirement.marker and not requirement.marker.evaluate({"sys_platform": machine[0]})
        ):
            continue
        assert requirement.name in picked, f"{requirement.name} is not locked for {machine}"
        assert requirement.specifier.contains(picked[requirement.name], prereleases=True), requirement.name


@pytest.mark.parametrize("machine", MACHINES, ids=" ".join)
def test_what_runs_is_a_part_of_what_is_tested_in_the_same_versions(machine: tuple[str, str, str]) -> None:
    assert chosen("run.txt", *machine).items() <= chosen("dev.txt", *machine).items()


def test_torch_is_pinned_outside_the_hashes() -> None:
    pins = [line for line in (LOCKS / "torch.txt").read_text().splitlines() if not line.startswith("#")]
    assert len(pins) == 1
    assert re.fullmatch(r"torch==\d+\.\d+\.\d+", pins[0])
    assert not [name for name in HASHED if any(requirement.name == "torch" for requirement in entries(name))]
    [wanted] = [requirement for requirement in needs("torch") if requirement.name == "torch"]
    assert wanted.specifier.contains(Version(pins[0].removeprefix("torch==")))


def test_cuda_packages_stand_apart_and_only_under_a_linux_marker() -> None:
    assert any(requirement.name.startswith("nvidia-") for requirement in entries("cuda.txt"))
    for requirement in entries("cuda.txt"):
        assert isinstance(requirement.marker, Marker)
        for system, machine, python in MACHINES:
            environment = {"sys_platform": system, "platform_machine": machine, "python_full_version": python}
            assert requirement.marker.evaluate(environment) == (system == "linux"), f"{requirement} on {system}"
    for name in ("run.txt", "dev.txt"):
        assert not [r for r in entries(name) if r.name.startswith(("nvidia-", "cuda-", "triton"))], name


def test_httpx_is_the_client_and_httpx2_at_most_a_test_tool() -> None:
    ours = {requirement.name for requirement in needs("all")}  # a library of ours may bring httpx2 along; we do not ask
    assert "httpx" in ours
    assert "httpx2" not in ours


def test_the_sizes_are_known_for_every_machine() -> None:
    sizes = json.loads((LOCKS / "sizes.json").read_text())
    assert set(sizes) == {"linux-x86_64", "linux-arm64", "darwin-arm64", "darwin-x86_64"}
    for platform, measured in sizes.items():
        assert 50 < measured["run"] <= measured["dev"] < 1000, platform
        assert (measured["cuda"] > 500) == platform.startswith("linux"), platform
