"""Run an app under uvicorn: refuse what would be unsafe, say in one sentence what is in the way, stop gracefully."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from service_kit import logs
from service_kit.app import keyring
from service_kit.settings import ServiceSettings


class CannotServe(Exception):
    """One sentence why, for the command line."""


def check(settings: ServiceSettings, port: int, *, internal: bool = False) -> None:
    """Raises CannotServe if the address is open to others without a key, or the port is taken."""
    _check_address(settings, internal)
    listen(settings.host, port).close()


def _check_address(settings: ServiceSettings, internal: bool) -> None:
    if not is_loopback(settings.host) and not keyring(settings, internal=internal) and not settings.insecure:
        raise CannotServe(
            f"{settings.host} can be reached from other machines and no API key is set: set MARQUEE_API_KEYS, "
            "or say --insecure if something else guards it"
        )


def listen(host: str, port: int) -> socket.socket:
    """A bound socket, so that nobody can take the port between the check and the start; 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(1)  # two sockets may be bound with SO_REUSEADDR; only one may listen
    except OSError as error:
        sock.close()
        raise CannotServe(
            f"port {port} on {host} cannot be used ({error.strerror}): stop what uses it or choose another one, "
            "say --port 1112 or make run PORT=1112"
        ) from None
    return sock


def run(
    app: FastAPI,
    settings: ServiceSettings,
    port: int,
    *,
    internal: bool = False,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM: requests under way are answered first. `on_ready` gets the URL."""
    _check_address(settings, internal)
    sock = listen(settings.host, port)
    logs.configure(settings.log_level, settings.log_format)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=settings.max_connections,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=5,
    )
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    server = _Server(config, on_ready, f"http://{shown}:{sock.getsockname()[1]}")
    with sock:
        server.run(sockets=[sock])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[str], None] | None, url: str) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._on_ready is not None:
            self._on_ready(self._url)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
