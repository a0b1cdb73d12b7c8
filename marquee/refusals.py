"""What the machine refuses to a command, a folder that cannot be written or a full disk, as one sentence."""

from __future__ import annotations

import errno

_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}
_FULL = {errno.ENOSPC, errno.EDQUOT}


def sentence(error: Exception) -> str | None:
    """None for what a command should have seen coming: then it is a mistake of ours."""
    if not isinstance(error, OSError):
        return None
    if error.errno in _FULL:
        return "The disk is full: free some space, or set MARQUEE_HOME to a folder on another one."
    if error.errno in _NOT_ALLOWED and error.filename is not None:
        return (
            f"{error.filename} cannot be used ({str(error.strerror).lower()}): let this user read and write there, or "
            "set MARQUEE_HOME to a folder where it may."
        )
    return None
