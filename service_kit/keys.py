"""API keys: what a key looks like in the settings, and which one was shown. Knows no web framework, because every
command reads the settings and a web framework takes half a second to import.

Only sha256 digests are kept, compared in constant time, never logged.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from enum import IntEnum
from typing import NamedTuple


class Role(IntEnum):
    """Each role may do what the ones below it may."""

    read = 1
    write = 2
    admin = 3


class ApiKey(NamedTuple):
    role: Role
    digest: str  # sha256 of the key, hex


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
