"""Which role a route needs. Keys are for applications: a user name is no login.

router = APIRouter(dependencies=[READ])
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service_kit.errors import ServiceError
from service_kit.keys import KeyRing, Role


class Unauthorized(ServiceError):
    status, slug, title = 401, "unauthorized", "A valid API key is needed"


class Forbidden(ServiceError):
    status, slug, title = 403, "forbidden", "The API key may not do this"


_bearer = HTTPBearer(auto_error=False, description="Needed once API keys are set")


class _Require:
    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(
        self, request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> None:
        self.check(request, shown.credentials if shown is not None else None)

    def check(self, request: Request, key: str | None) -> None:
        """Raises Unauthorized or Forbidden."""
        ring: KeyRing = request.app.state.keys
        if not ring:
            return
        if key is None:
            raise Unauthorized("send an API key: Authorization: Bearer KEY")
        role = ring.role_of(key)
        if role is None:
            raise Unauthorized("the API key is not known here")
        if role < self.role:
            raise Forbidden(f"this call needs the role {self.role.name}; the key has {role.name}")


READ = Depends(_Require(Role.read))
WRITE = Depends(_Require(Role.write))
ADMIN = Depends(_Require(Role.admin))


async def check_first(request: Request, dependencies: Iterable[object]) -> None:
    """Ask for the key before anything of the body is read: who may not call learns nothing of what a body should be."""
    shown = await _bearer(request)
    for dependency in dependencies:
        call = getattr(dependency, "dependency", dependency)
        if isinstance(call, _Require):
            call.check(request, shown.credentials if shown is not None else None)


def required_role(dependency: object) -> Role | None:
    """The role behind one of the constants above; None for any other dependency. For tests of the route table."""
    call = getattr(dependency, "dependency", dependency)
    return call.role if isinstance(call, _Require) else None
