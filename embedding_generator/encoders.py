"""What turns texts into vectors, and `load_encoder`, which finds one by name or folder.

An encoder knows neither queue nor cache nor other threads: the engine calls it from one thread.
Used by the service, by `marquee` and by the tests. The heavy libraries are imported when one is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np


class Encoder(Protocol):
    @property
    def model(self) -> str:
        """name@revision: a commit of the model hub, or the beginning of the sha256 of the weights."""

    @property
    def dimension(self) -> int: ...

    @property
    def max_tokens(self) -> int | None:
        """Tokens that it reads of a text, special ones included; None: all."""

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, also of the part that is not read. Cheap beside `encode`."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """(N, D) float32, the same each time; rows need not be of length 1 (the engine normalises them)."""


def load_encoder(
    name_or_path: str, revision: str | None, models_dir: Path, *, device: str = "auto", batch: int = 32
) -> Encoder:
    """The encoder of that name or folder. Raises ModelUnavailable with one sentence, soon when a hub is out of reach.

    `lsa` is the model fitted on the catalogue; any other name is a sentence-transformers model: pulled before, in
    the hub's cache, shipped as a package, or fetched from the hub now, in this order.
    """
    from embedding_generator import lsa

    folder = Path(name_or_path).expanduser()
    if name_or_path == lsa.NAME:
        return lsa.LsaEncoder.load(models_dir / lsa.NAME)
    if lsa.is_lsa(folder):
        return lsa.LsaEncoder.load(folder)

    from embedding_generator.sentence_encoder import SentenceEncoder
    from embedding_generator.sentence_models import locate

    return SentenceEncoder(locate(name_or_path, revision, models_dir), device=device, batch=batch)
