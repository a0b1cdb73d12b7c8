"""`softmax` on the contract of all rankers, and how it averages and cuts histories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from recommender_api.models import softmax
from recommender_api.models.base import Query
from recommender_api.models.softmax import PACES, Softmax, averaging
from recommender_api.models.softmax_training import Network, batches
from recommender_api.models.watching import Watch
from recommender_api.testing.checkerboard import FILMS, checkerboard, query
from recommender_api.testing.ranker_contract import RankerContract
from recommender_api.weights import ModelFileError

SMALL = softmax.Options(hidden_size=16, max_length=12, epochs=12, learning_rate=0.01, dropout=0.1)


class TestSoftmax(RankerContract):
    ranker, options, predicts = Softmax, SMALL, False

    def test_a_low_rating_raises_no_film_at_all(self, model: Softmax) -> None:
        rng = np.random.default_rng(11)
        for _ in range(40):
            *before, film = rng.permutation(FILMS)[: rng.integers(1, 9)]
            ratings = list(rng.choice([0.5, 1.0, 3.5, 5.0], len(before)))
            low = model.scores(query(*before, film, ratings=[*ratings, 0.5]))
            assert (low <= model.scores(query(*before, ratings=ratings)) + 1e-6).all()

    def test_the_latest_film_counts_most_and_old_ones_not_at_all(self, model: Softmax) -> None:
        assert not np.array_equal(model.scores(query(1, 0)), model.scores(query(0, 1)))
        old, recent = [3, 5, 7], list(range(0, 24, 2))  # as many as max_length
        np.testing.assert_array_equal(model.scores(query(*old, *recent)), model.scores(query(*recent)))

    def test_an_empty_history_is_answered_from_the_bias_of_each_film(self, model: Softmax) -> None:
        for name in ("up_bias", "down_bias"):
            model = Softmax(
                model.vocabulary,
                model.options,
                model.facts,
                model.weights | {name: np.zeros_like(model.weights[name])},
            )
        np.testing.assert_allclose(model.scores(Query()), model.weights["output_bias"], rtol=1e-6)

    def test_what_is_served_is_what_was_trained(self, model: Softmax) -> None:
        """numpy's tower and PyTorch's, on one history."""
        network = Network(FILMS, SMALL).eval()
        network.load_state_dict({f"kept.{name}": torch.from_numpy(array) for name, array in model.weights.items()})
        films = np.array([0, 2, 1, 4])
        with torch.no_grad():
            known = network(torch.from_numpy(films)[None])[0, -1]
            logits = network.kept["films"] @ known + network.kept["output_bias"]
        np.testing.assert_allclose(model.scores(query(*films)), logits.numpy(), rtol=1e-4, atol=1e-5)

    def test_the_same_seed_gives_the_same_weights(self, model: Softmax) -> None:
        again = Softmax.fit(checkerboard(), SMALL)
        np.testing.assert_array_equal(again.scores(query(0, 1)), model.scores(query(0, 1)))
        other = Softmax.fit(checkerboard(), replace(SMALL, seed=1))
        assert not np.array_equal(other.scores(query(0, 1)), model.scores(query(0, 1)))

    def test_the_epoch_that_validates_best_is_kept(self) -> None:
        figures = iter([0.1, 0.3, 0.2])
        watch = Watch(validate=lambda _ranker: {"ndcg@10": next(figures)})
        found = Softmax.fit_watched(checkerboard(), replace(SMALL, epochs=6, validate_every=2), watch)
        assert found.epochs_trained == 4
        assert found.cpu_seconds > 0

    def test_weights_of_another_width_are_refused(self, model: Softmax, tmp_path: Path) -> None:
        cut = model.weights | {"films": model.weights["films"][:, :-1]}
        Softmax(model.vocabulary, model.options, model.facts, cut).save(tmp_path)
        with pytest.raises(ModelFileError, match="films have the wrong shape"):
            Softmax.load(tmp_path, model.vocabulary)


def test_each_average_sums_to_one_and_falls_at_its_pace() -> None:
    weights = averaging(5)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)
    for row, pace in zip(weights, PACES, strict=True):
        np.testing.assert_allclose(row[:-1] / row[1:], np.exp(-1 / pace), rtol=1e-5)
    assert averaging(0).shape == (len(PACES), 0)


def test_every_film_but_the_first_is_guessed_once_an_epoch() -> None:
    sequences = [np.arange(n) for n in (0, 1, 2, 5, 12, 13, 14, 40, 41)]
    for epoch in range(5):
        windows = list(batches(sequences, SMALL, np.random.default_rng(epoch)))
        guessed = sum(films[:, 1:].size for films in windows)
        assert guessed == sum(max(0, len(sequence) - 1) for sequence in sequences)
        assert max(films.shape[1] for films in windows) <= SMALL.max_length + 1
        for films in windows:
            assert (np.diff(films, axis=1) == 1).all()  # nothing is left out in between
