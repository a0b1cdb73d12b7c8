"""The benchmark of ranking beside bare matrix products: that it measures both, and leaves nothing behind."""

from __future__ import annotations

import pytest
import torch

from benchmarks import inference
from recommender_api.models import blend
from recommender_api.transformer.options import Options

SMALL = {"hidden_size": 8, "heads": 2, "layers": 2, "max_length": 6}


def test_it_measures_every_size_and_gives_the_threads_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "_LEAST_S", 0.0)
    networks = {"causal": Options(objective="causal", convolution=3, **SMALL), "masked": Options(**SMALL)}
    threads = torch.get_num_threads()
    rows = list(inference.measure(networks, (30, 60), (1, 40)))
    sizes = [(30, 1), (30, 40), (60, 1), (60, 40)]
    assert [(row.network, row.films, row.batch) for row in rows] == [
        (name, *size) for name in networks for size in sizes
    ]
    assert {(row.network, row.history) for row in rows} == {("causal", 6), ("masked", 5)}
    assert all(row.ranking_ms > 0 and row.products_ms > 0 for row in rows)
    assert torch.get_num_threads() == threads


def test_what_serves_is_measured() -> None:
    serving = blend.sequence_model(blend.Options())
    assert any(
        all(getattr(options, name) == serving[name] for name in serving) for options in inference.NETWORKS.values()
    )
