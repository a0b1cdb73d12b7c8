"""One Elasticsearch of our own: on free ports, in a temporary folder, never as root. Configure, start, stop.

`with running_node() as node:` stops it at the end of the block, and a watchdog does if our process is killed before
that. How several processes share one is in `elasticsearch_server`.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.elasticsearch_distribution import (
    VERSION,
    Java,
    Unobtainable,
    distribution,
    find_java,
    give_to_server_user,
    server_user,
)

_START_S = 180
_HEAP = "512m"
_LOG_TAIL = 3_000
_WATCHDOG = 'cat > /dev/null; kill -9 -"$0"; sleep 1; rm -rf "$1"'  # `cat` ends when the owner of the pipe is gone
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy to loopback


@dataclass
class Node:
    """A started server. `pause`, `resume`, `kill` and `start` are for the tests of what happens then."""

    home: Path
    java: Java
    folder: Path
    port: int
    password: str | None = field(default=None, repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _watchdog: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def configure(self) -> None:
        config = self.folder / "config"
        config.mkdir()
        shutil.copy(self.home / "config" / "log4j2.properties", config)
        (config / "jvm.options").write_text(_jvm_options(self.home, self.java))
        (config / "elasticsearch.yml").write_text(
            "\n".join(
                [
                    "discovery.type: single-node",
                    "network.host: 127.0.0.1",
                    f"http.port: {self.port}",
                    f"transport.port: {free_port()}",
                    f"path.data: {self.folder / 'data'}",
                    f"path.logs: {self.folder / 'logs'}",
                    f"xpack.security.enabled: {'true' if self.password else 'false'}",
                    "cluster.routing.allocation.disk.threshold_enabled: false",
                ]
            )
        )
        self.folder.chmod(0o755)
        give_to_server_user(self.folder)
        if self.password:
            self._keystore("create", "-s")
            self._keystore("add", "-x", "-s", "bootstrap.password", text=self.password)

    def start(self) -> None:
        """Returns when the cluster answers with health; raises RuntimeError with the end of the log if it cannot."""
        with (self.folder / "output.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.home / "bin" / "elasticsearch"],
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **server_user(),
            )
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHDOG, str(self._process.pid), self.folder],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        until = time.monotonic() + _START_S
        while not healthy(self.url, self.password):
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"Elasticsearch did not start:\n{self._log()}")
            time.sleep(0.25)

    def pause(self) -> None:
        """Frozen: connections are accepted, nothing is answered."""
        self._signal(signal.SIGSTOP)
        until = time.monotonic() + 10
        while not self._is_stopped():  # on a busy machine its threads go on for a moment
            assert time.monotonic() < until, "Elasticsearch does not stop"
            time.sleep(0.01)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        if self._watchdog is not None:
            self._watchdog.kill()
            self._watchdog.communicate()
        if self._process is not None:
            self._process.wait(30)
        self._process = self._watchdog = None

    def _signal(self, number: int) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, number)  # the launcher and the server it started

    def _is_stopped(self) -> bool:
        """Whether the kernel says so of the launcher and the server; where there is no /proc, at once."""
        assert self._process is not None
        return all(state in "TZ" for state, group in _processes() if group == self._process.pid)

    def _keystore(self, *arguments: str, text: str = "") -> None:
        subprocess.run(
            [self.home / "bin" / "elasticsearch-keystore", *arguments],
            input=text,
            env=self._environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
            **server_user(),
        )

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOSTNAME": "localhost",
            "ES_JAVA_HOME": str(self.java.home),
            "ES_PATH_CONF": str(self.folder / "config"),
            "ES_TMPDIR": str(self.folder / "tmp"),
            "ES_JAVA_OPTS": f"-Xms{_HEAP} -Xmx{_HEAP}",
        }

    def _log(self) -> str:
        return (self.folder / "output.log").read_text(errors="replace")[-_LOG_TAIL:]


@contextmanager
def running_node(*, password: str | None = None) -> Iterator[Node]:
    """A node that is stopped and removed at the end of the block. Raises Unobtainable where none can be had."""
    home, java = distribution(), find_java()
    with tempfile.TemporaryDirectory(prefix="marquee-es-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for part in ("data", "logs", "tmp"):
            (folder / part).mkdir()
        node = Node(home, java, folder, free_port(), password)
        node.configure()
        try:
            node.start()
            yield node
        finally:
            node.kill()


@contextmanager
def running_container() -> Iterator[str]:
    """The same through a running Docker engine, where there is no Maven; gives the URL."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True).returncode:
        raise Unobtainable("no Docker engine is running")
    port = free_port()
    settings = ("discovery.type=single-node", "xpack.security.enabled=false", f"ES_JAVA_OPTS=-Xms{_HEAP} -Xmx{_HEAP}")
    started = subprocess.run(
        [docker, "run", "--detach", "--rm", "--publish", f"127.0.0.1:{port}:9200"]
        + [word for setting in settings for word in ("--env", setting)]
        + ["--env", "cluster.routing.allocation.disk.threshold_enabled=false", f"elasticsearch:{VERSION}"],
        capture_output=True,
        text=True,
    )
    if started.returncode:
        raise Unobtainable(f"Docker could not start elasticsearch:{VERSION}: {started.stderr.strip()[-300:]}")
    try:
        url, until = f"http://127.0.0.1:{port}", time.monotonic() + _START_S
        while not healthy(url):
            if time.monotonic() > until:
                raise RuntimeError("Elasticsearch in Docker did not become healthy")
            time.sleep(0.5)
        yield url
    finally:
        subprocess.run([docker, "rm", "--force", started.stdout.strip()], capture_output=True)


def healthy(url: str, password: str | None = None) -> bool:
    """Cluster health, not `GET /`: the test distribution answers that with 405."""
    request = urllib.request.Request(f"{url}/_cluster/health")
    if password:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"elastic:{password}".encode()).decode())
    try:
        with _OPENER.open(request, timeout=5) as answer:
            return json.load(answer)["status"] in ("green", "yellow")
    except (OSError, ValueError):  # HTTP errors are OSErrors
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _jvm_options(home: Path, java: Java) -> str:
    """The shipped options without the logs we never read and, for a minimal runtime, the module it lacks."""
    unwanted = ["-Xlog:gc", "HeapDumpOnOutOfMemoryError"] + (["jdk.incubator.vector"] if java.minimal else [])
    lines = (home / "config" / "jvm.options").read_text().splitlines()
    return "\n".join(line for line in lines if not any(word in line for word in unwanted)) + "\n"


def _processes() -> Iterator[tuple[str, int]]:
    """State and process group of whatever runs."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            state, _parent, group = stat.read_text("utf-8", "replace").rpartition(")")[2].split()[:3]
            yield state, int(group)
