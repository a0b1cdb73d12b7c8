"""BERT4Rec keeps the contract of all rankers."""

from __future__ import annotations

import pytest
import torch

from recommender_api.models.bert4rec import Bert4Rec, Options
from recommender_api.testing.ranker_contract import RankerContract


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


class TestBert4Rec(RankerContract):
    ranker = Bert4Rec
    options = Options(
        hidden_size=16,
        layers=1,
        max_length=24,
        dropout=0.0,
        learning_rate=1e-2,
        warmup_steps=10,
        batch_size=16,
        epochs=40,
        device="cpu",
    )
    predicts = False
