"""Trains one RecTools model for so many CPU seconds, writes all lists after each epoch. Runs in their environment.

    python train_rectools.py sasrec|bert4rec FOLDER WIDTH BLOCKS LENGTH CPU_SECONDS K

Their defaults but for the sizes: softmax loss, dropout 0.2, learning rate 0.001, batch 128, and for bert4rec a mask
probability of 0.2. Reads FOLDER/train.npz and histories.npz, writes epochs.json and lists-N.npy.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import BERT4RecModel, SASRecModel

MOST_EPOCHS = 1000


class Epochs(Callback):  # type: ignore[misc]
    """Keeps the weights after each epoch and ends the training when its CPU seconds are spent."""

    def __init__(self, cpu_s: float) -> None:
        self.cpu_s, self.begun = cpu_s, time.process_time()
        self.seconds: list[float] = []
        self.weights: list[dict[str, Any]] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.seconds.append(time.process_time() - self.begun)
        self.weights.append(copy.deepcopy(pl_module.state_dict()))
        print(f"epoch {len(self.seconds)}: {self.seconds[-1]:.0f} CPU s", flush=True)
        if self.seconds[-1] >= self.cpu_s:
            trainer.should_stop = True


def main() -> None:
    name, place, width, blocks, length, cpu_s, k = sys.argv[1:]
    folder = Path(place)
    torch.manual_seed(42)

    def trainer(**_: Any) -> Trainer:
        return Trainer(
            max_epochs=MOST_EPOCHS,
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[Epochs(float(cpu_s))],
        )

    kind, own = (SASRecModel, {}) if name == "sasrec" else (BERT4RecModel, {"mask_prob": 0.2})
    model = kind(
        n_factors=int(width),
        n_blocks=int(blocks),
        n_heads=2,
        session_max_len=int(length),
        get_trainer_func=trainer,
        recommend_torch_device="cpu",
        deterministic=False,
        **own,
    )
    model.fit(dataset(np.load(folder / "train.npz")))
    [epochs] = [found for found in model.fit_trainer.callbacks if isinstance(found, Epochs)]  # it trains with a copy
    asked = np.load(folder / "histories.npz")
    known = dataset(asked)
    for epoch, weights in enumerate(epochs.weights, start=1):
        model.lightning_model.load_state_dict(weights)
        found = model.recommend(asked["asked"], known, k=int(k), filter_viewed=True)
        np.save(folder / f"lists-{epoch}.npy", lists(found, asked["asked"], int(k)))
    (folder / "epochs.json").write_text(json.dumps(epochs.seconds))


def dataset(rows: Any) -> Dataset:
    """The order of the rows as the time."""
    return Dataset.construct(
        pd.DataFrame(
            {
                Columns.User: rows["users"],
                Columns.Item: rows["items"],
                Columns.Weight: 1.0,
                Columns.Datetime: pd.to_datetime(np.arange(len(rows["users"])), unit="s"),
            }
        )
    )


def lists(found: pd.DataFrame, asked: np.ndarray, k: int) -> np.ndarray:
    """(C, k) films in order of rank, -1 where a user was given fewer."""
    row = {user: at for at, user in enumerate(asked)}
    table = np.full((len(asked), k), -1, np.int64)
    at = found[Columns.User].map(row).to_numpy()
    table[at, found[Columns.Rank].to_numpy() - 1] = found[Columns.Item].to_numpy()
    return table


if __name__ == "__main__":
    main()
