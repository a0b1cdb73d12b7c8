"""Where torch runs, and how exactly."""

from __future__ import annotations

import os

import torch

from recommender_api.transformer.processes import launched
from service_kit.errors import InvalidRequest


def choose_device(wanted: str) -> torch.device:
    """`auto` takes a CUDA device where there is one. Raises InvalidRequest for one that this machine does not have."""
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    name = wanted if wanted != "auto" else "cuda" if available["cuda"] else "cpu"
    if not available[name]:
        raise InvalidRequest(f"This machine has no {name} device that torch can use; take --device auto.")
    if name == "cuda" and launched():
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return torch.device(name)


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """`auto` takes bfloat16 where the device multiplies it natively: elsewhere it is slower than float32."""
    if wanted != "auto":
        return torch.bfloat16 if wanted == "bfloat16" else torch.float32
    quick = torch.cpu._is_avx512_bf16_supported() if device.type == "cpu" else (
        device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    )  # fmt: skip
    return torch.bfloat16 if quick else torch.float32
