"""Install Marquee into a virtual environment from the hashed lock: `make run` and `make test` call this.

Runs on the bare Python that `find-python` found, so it uses the standard library alone. Everything comes from the
lock with its hash; only PyTorch does not, because which build fits depends on the machine (`--torch`).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CPU_TORCH_MB = 200  # the CPU build is not on the package index, so `lock.py` cannot measure it


class CannotInstall(Exception):
    """One sentence that names the thing and the remedy."""


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def run(*command: str | Path, **environment: str) -> bool:
    return (
        subprocess.run([str(part) for part in command], env={**os.environ, **environment}, check=False).returncode == 0
    )


def make_venv(venv: Path) -> Path:
    """The Python of the environment, made new when there is none or when it no longer runs."""
    python = venv / "bin" / "python"
    if python.exists() and run(python, "-c", "import pip"):
        return python
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        raise CannotInstall(
            f"{sys.executable} has no {' and no '.join(missing)} module: install it "
            f"(Debian, Ubuntu: apt install {package}) and run make again."
        )
    shutil.rmtree(venv, ignore_errors=True)
    if not run(sys.executable, "-m", "venv", venv):
        raise CannotInstall(f"{sys.executable} could not make a virtual environment in {venv}: see the lines above.")
    return python


def install_uv(python: Path) -> Path:
    uv = python.parent / "uv"
    quiet = ("-q", "--disable-pip-version-check", "--no-input")
    if not run(python, "-m", "pip", "install", *quiet, "--require-hashes", "-r", HERE / "install.txt"):
        raise CannotInstall(
            "The installer uv could not be fetched from the package index: check the network and run make again."
        )
    return uv


def download_size(what: str, torch: str) -> str:
    """What a first installation fetches, from the sizes that `lock.py` measured."""
    machine = {"amd64": "x86_64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine().lower())
    sizes = json.loads((HERE / "sizes.json").read_text()).get(f"{sys.platform}-{machine}")
    if sizes is None:
        return "about 500 MB"
    plain = sizes["torch"] + sizes["cuda"]
    total = sizes[what]
    if sys.platform != "linux" or torch == "cuda":
        return f"about {total + plain} MB"
    if torch == "cpu":
        return f"about {total + CPU_TORCH_MB} MB"
    return f"about {total + CPU_TORCH_MB} MB, or {total + plain} MB with a GPU or without the CPU build's source"


def installed_torch(python: Path) -> str | None:
    """The version with its build, such as 2.9.0+cpu; None where there is none."""
    code = "from importlib.metadata import version; print(version('torch'))"
    found = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def install_torch(uv: Path, python: Path, backend: str) -> None:
    """The build asked for; where its source is out of reach the package index's own; where none fits, none."""
    pin = (HERE / "torch.txt").read_text().split()[-1]
    version = pin.removeprefix("torch==")
    have = installed_torch(python)
    if have and have.split("+")[0] == version and (backend == "auto" or ("+cpu" in have) == (backend == "cpu")):
        return
    flags = ("pip", "install", "--python", python)
    if sys.platform == "linux" and backend != "cuda":  # the index's own build for Linux is the CUDA one
        if run(uv, *flags, "--torch-backend", backend, pin, "-c", HERE / "run.txt", UV_HTTP_RETRIES="1"):
            return
        say("That source of PyTorch builds is out of reach: taking the plain build from the package index.")
    if not run(uv, *flags, "--no-deps", pin):
        say(
            f"PyTorch {version} has no build for this machine: everything but the models that need it runs; "
            "the embedding falls to `--model lsa`."
        )
    elif sys.platform == "linux" and not run(uv, *flags, "--no-deps", "--require-hashes", "-r", HERE / "cuda.txt"):
        raise CannotInstall("The CUDA libraries of PyTorch could not be installed: see the lines above.")


def install_marquee(uv: Path, python: Path, *form: str) -> None:
    flags = ("pip", "install", "--python", python, "--no-deps", "--no-build-isolation")
    if not run(uv, *flags, *form, HERE.parent):
        raise CannotInstall("Marquee itself could not be installed: see the lines above.")


def install_lock(what: str, torch: str, venv: Path) -> tuple[Path, Path]:
    fresh = not (venv / "bin" / "uv").exists()
    if fresh:
        say(f"Installing into {venv}: a first download of {download_size(what, torch)}.")
    python = make_venv(venv)
    uv = install_uv(python)
    flags = ("pip", "install", "--python", python, "--no-deps", "--require-hashes")
    if not run(uv, *flags, "-r", HERE / f"{what}.txt"):
        raise CannotInstall("The packages of the lock could not be installed: check the network and run make again.")
    install_torch(uv, python, torch)
    return uv, python


def main() -> int:
    parser = argparse.ArgumentParser(description="Install Marquee from its lock.")
    parser.add_argument("what", choices=("run", "dev"))
    parser.add_argument("--torch", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--venv", type=Path, default=HERE.parent / ".venv")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--no-editable", action="store_true", help="copy Marquee itself, no link to this folder")
    form.add_argument("--only-lock", action="store_true", help="leave Marquee itself out")
    given = parser.parse_args()
    try:
        uv, python = install_lock(given.what, given.torch, given.venv)
        if not given.only_lock:
            install_marquee(uv, python, *([] if given.no_editable else ["-e"]))
    except CannotInstall as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
