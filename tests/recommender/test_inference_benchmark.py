"""The benchmark of ranking beside bare matrix products: that it measures both, and leaves nothing behind."""

from __future__ import annotations

import pytest
import torch

from benchmarks import inference
from recommender_api.transformer.options import Options


def test_it_measures_every_size_and_gives_the_threads_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "_LEAST_S", 0.0)
    threads = torch.get_num_threads()
    rows = inference.measure((30, 60), (1, 40), Options(hidden_size=8, heads=2, layers=2, max_length=6))
    assert [(row.films, row.batch) for row in rows] == [(30, 1), (30, 40), (60, 1), (60, 40)]
    assert all(row.ranking_ms > 0 and row.products_ms > 0 for row in rows)
    assert torch.get_num_threads() == threads
