"""Regenerate the lock: `make lock`. Run inside the environment, with the package index in reach.

One resolution for Python 3.11 to 3.13, Linux and macOS, x86 and Arm, cut into files by who installs them:

    run.txt      what `make run` needs, every file with its hash     install.txt  uv and the build backend, hashed
    dev.txt      the same plus tests and checks, hashed              torch.txt    PyTorch's version, without hashes
    cuda.txt     what the plain PyTorch build needs on Linux, hashed sizes.json   download sizes in MB, for `install.py`
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.utils import parse_wheel_filename

HERE = Path(__file__).resolve().parent
UV = Path(sys.executable).parent / "uv"
CUDA = re.compile(r"(nvidia|cuda)-|triton==")  # what only the CUDA build of PyTorch brings
PLATFORMS = {  # as install.py names them -> how a wheel's platform tag and a marker name them
    "linux-x86_64": (re.compile(r"manylinux.*x86_64|linux_x86_64"), "x86_64"),
    "linux-arm64": (re.compile(r"manylinux.*aarch64"), "aarch64"),
    "darwin-arm64": (re.compile(r"macosx.*(arm64|universal2)"), "arm64"),
    "darwin-x86_64": (re.compile(r"macosx.*(x86_64|universal2|intel)"), "x86_64"),
}


def compile_lock(*what: str, form: str = "requirements.txt") -> str:
    """What uv resolves, as text without registry addresses or paths."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / ("pylock.toml" if form == "pylock.toml" else "lock.txt")
        quiet = ("--quiet", "--no-header", "--no-annotate", "--format", form, "--output-file", str(out))
        universal = ("--universal", "--python-version", "3.11", "--generate-hashes")
        subprocess.run([str(UV), "pip", "compile", *quiet, *universal, *what], cwd=HERE.parent, check=True)
        return out.read_text()


def blocks(lock: str) -> list[str]:
    """One entry a requirement, with its hash lines."""
    return re.findall(r"^\S.*\n(?:[ ]+.*\n)*", lock, re.MULTILINE)


def wheel_size(package: dict[str, Any], platform: re.Pattern[str], minor: int) -> int | None:
    """Bytes of the file that CPython 3.`minor` would fetch on this platform; None where it has no wheel."""
    for wheel in package.get("wheels", ()):
        name = wheel.get("name") or wheel["url"].rsplit("/", 1)[-1]
        for tag in parse_wheel_filename(name)[3]:
            python = tag.interpreter in ("py3", f"cp3{minor}", f"py3{minor}", "py2.py3") or (
                tag.abi == "abi3" and int(tag.interpreter.removeprefix("cp3") or 0) <= minor
            )
            if python and (tag.platform == "any" or platform.match(tag.platform)):
                return int(wheel["size"])
    return None


def wanted(package: dict[str, Any], system: str, machine: str, minor: int) -> bool:
    environment = {
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.0",
        "sys_platform": system,
        "platform_system": system.capitalize(),
        "platform_machine": machine,
    }
    return Marker(package["marker"]).evaluate(environment) if "marker" in package else True


def measure(pylock: str, names: dict[str, set[str]]) -> dict[str, dict[str, int]]:
    """Download sizes in MB by platform and file, for Python 3.12; says which packages lack a wheel where."""
    packages = tomllib.loads(pylock)["packages"]
    sizes: dict[str, dict[str, int]] = {}
    for platform, (pattern, machine) in PLATFORMS.items():
        sums = dict.fromkeys(names, 0)
        for package, minor in itertools.product(packages, (11, 12, 13)):
            if not wanted(package, platform.split("-")[0], machine, minor):
                continue
            size = wheel_size(package, pattern, minor)
            if size is None:
                print(f"no wheel: {package['name']} {package['version']} on {platform}, Python 3.{minor}")
            for file in (file for file, members in names.items() if minor == 12 and package["name"] in members):
                sums[file] += size or 0
        sizes[platform] = {file: round(total / 1e6) for file, total in sums.items()}
    return sizes


def main() -> None:
    (HERE / "dev.txt").write_text(compile_lock("pyproject.toml", "--extra", "dev"))  # the widest set decides
    agreed = ("-c", "requirements/dev.txt")
    run = compile_lock("pyproject.toml", "--extra", "all", *agreed)
    install = compile_lock("--group", "install", *agreed)
    everything = blocks((HERE / "dev.txt").read_text())

    [torch] = [block for block in everything if block.startswith("torch==")]
    cuda = [block for block in everything if CUDA.match(block)]
    apart = {torch, *cuda}
    files = {
        "run.txt": [block for block in blocks(run) if block not in apart],
        "dev.txt": [block for block in everything if block not in apart],
        "cuda.txt": cuda,
        "torch.txt": [
            "# Without hashes: which build fits depends on the machine (install.py).\n",
            torch.split()[0] + "\n",
        ],
        "install.txt": blocks(install),
    }
    for name, entries in files.items():
        (HERE / name).write_text("".join(entries))

    names = {name.removesuffix(".txt"): {block.split("==")[0] for block in entries} for name, entries in files.items()}
    del names["install"]
    pylock = compile_lock("pyproject.toml", "--extra", "dev", form="pylock.toml")
    (HERE / "sizes.json").write_text(json.dumps(measure(pylock, names), indent=2) + "\n")


if __name__ == "__main__":
    main()
