"""API keys with roles. Keys are for applications: a user name is no login.

Only sha256 digests are kept, compared in constant time, never logged. A route says which role it needs:

    router = APIRouter(dependencies=[READ])
"""

from __future__ import annotations

import hashlib
import hmac
import re
from enum import IntEnum
from typing import Annotated, NamedTuple

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service_kit.errors import ServiceError


class Role(IntEnum):
    """Each role may do what the ones below it may."""

    read = 1
    write = 2
    admin = 3


class ApiKey(NamedTuple):
    role: Role
    digest: str  # sha256 of the key, hex


class Unauthorized(ServiceError):
    status, slug, title = 401, "unauthorized", "A valid API key is needed"


class Forbidden(ServiceError):
    status, slug, title = 403, "forbidden", "The API key may not do this"


def parse_keys(text: str) -> tuple[ApiKey, ...]:
    """ "read:HEX,admin:HEX" to keys; ValueError names the entry that is wrong by its place, not its content."""
    keys = []
    for place, entry in enumerate(filter(None, re.split(r"[,\s]+", text)), start=1):
        role, _, digest = entry.partition(":")
        if role not in Role.__members__ or not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
            raise ValueError(f"API key {place} is not role:sha256 (role read, write or admin, then 64 hex digits)")
        keys.append(ApiKey(Role[role], digest.lower()))
    return tuple(keys)


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class KeyRing:
    """The keys that a service accepts; an empty ring lets everybody in."""

    def __init__(self, keys: tuple[ApiKey, ...]) -> None:
        self._keys = keys

    def __bool__(self) -> bool:
        return bool(self._keys)

    def role_of(self, key: str) -> Role | None:
        """Every key is compared, so that the time taken tells nothing about which one matched."""
        shown, found = digest(key), None
        for known in self._keys:
            if hmac.compare_digest(known.digest, shown):
                found = max(known.role, found or known.role)
        return found


_bearer = HTTPBearer(auto_error=False, description="Needed once API keys are set")


class _Require:
    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(
        self, request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> None:
        ring: KeyRing = request.app.state.keys
        if not ring:
            return
        if shown is None:
            raise Unauthorized("send an API key: Authorization: Bearer KEY")
        role = ring.role_of(shown.credentials)
        if role is None:
            raise Unauthorized("the API key is not known here")
        if role < self.role:
            raise Forbidden(f"this call needs the role {self.role.name}; the key has {role.name}")


READ = Depends(_Require(Role.read))
WRITE = Depends(_Require(Role.write))
ADMIN = Depends(_Require(Role.admin))


def required_role(dependency: object) -> Role | None:
    """The role behind one of the constants above; None for any other dependency. For tests of the route table."""
    call = getattr(dependency, "dependency", dependency)
    return call.role if isinstance(call, _Require) else None
