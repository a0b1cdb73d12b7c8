"""Keep freed memory in the process: what a training step frees, the next one needs again."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # parameters of glibc's mallopt(3)
_NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """For a process that trains and ends. Elsewhere than on glibc nothing happens.

    By default glibc hands every large block back to the kernel when it is freed, and the kernel gives zeroed pages,
    one fault each, when the next step asks for it again: a tenth to a third of the time of a step.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, _NEVER)
