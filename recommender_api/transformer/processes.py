"""Training in several processes that `torchrun` started: who am I, and what do we agree on.

Without torchrun everything here says: one process, alone. Every process reads the same data and draws the same
batches; each takes its share of the rows, so the gradient is that of one process with the whole batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

PATIENCE = timedelta(hours=2)  # that the others wait while the first validates


def rank() -> int:
    """0 for the first process, which alone validates and writes, and for one that is alone."""
    return int(os.environ["RANK"]) if launched() else 0


def launched() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


@dataclass(frozen=True)
class Processes:
    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def agree(self, *numbers: float) -> list[float]:
        """The first one's numbers, in every process."""
        return self._together("broadcast", numbers)

    def sum(self, *numbers: float) -> list[float]:
        """The sums over all processes, in every process."""
        return self._together("all_reduce", numbers)

    def _together(self, what: str, numbers: tuple[float, ...]) -> list[float]:
        if self.size == 1:
            return list(numbers)
        import torch
        import torch.distributed as distributed

        tensor = torch.tensor(numbers, dtype=torch.float64)
        if distributed.get_backend() == "nccl":
            tensor = tensor.cuda()
        if what == "broadcast":
            distributed.broadcast(tensor, src=0)
        else:
            distributed.all_reduce(tensor)
        return [float(number) for number in tensor.cpu()]


@contextmanager
def joined(device: str) -> Iterator[Processes]:
    """The group of this training; gloo between CPUs, NCCL between CUDA devices."""
    if not launched():
        yield Processes()
        return
    import torch.distributed as distributed

    distributed.init_process_group("nccl" if device == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()
