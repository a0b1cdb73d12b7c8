"""BERT4Rec's training loop: it learns what was planted, repeats itself, keeps its best epoch, and stops when told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from recommender_api.data import TrainingData
from recommender_api.models.base import Query, Ranker
from recommender_api.models.bert4rec import Bert4Rec, Options
from recommender_api.models.watching import Watch
from recommender_api.transformer.count_embeddings import count_embeddings
from recommender_api.transformer.objectives import batches, cut
from recommender_api.transformer.optimisation import rate
from tests.support.pairs import ending_in, pairs_data

pytestmark = pytest.mark.slow  # as a whole: the fast tests are to end within a minute

TINY = Options(
    hidden_size=16, layers=1, heads=2, max_length=12, batch_size=16, epochs=3, warmup_steps=5, dropout=0.0, device="cpu"
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_it_learns_which_film_follows_which_from_noise() -> None:
    """A known right answer: after the first half of a pair, the second. No counts to start from."""
    options = replace(TINY, epochs=150, learning_rate=1e-2, start_from_counts=False)
    model = Bert4Rec.fit(pairs_data(), options)
    found = [int(model.scores(ending_in(film)).argmax()) for film in range(0, 20, 2)]
    assert found == list(range(1, 20, 2))


def losses(log_dir: Path, tag: str = "loss/train") -> list[float]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(log_dir)).Reload()
    return [event.value for event in events.Scalars(tag)]


def test_the_loss_falls_and_tensorboard_has_its_curve(tmp_path: Path) -> None:
    options = replace(TINY, epochs=60, learning_rate=1e-2, validate_every=20)
    Bert4Rec.fit_watched(pairs_data(), options, Watch(lambda _: {"ndcg@10": 0.25}, log_dir=tmp_path))
    curve = losses(tmp_path)
    assert len(curve) == 60
    assert curve[-1] < 0.8 * curve[0]
    assert losses(tmp_path, "validation/ndcg@10") == [0.25, 0.25, 0.25]


def weights(model: Bert4Rec) -> Mapping[str, torch.Tensor]:
    return model.network.state_dict()


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    data, options = pairs_data(), replace(TINY, dropout=0.2)
    torch.manual_seed(123)  # what others drew before must not matter
    one = weights(Bert4Rec.fit(data, options))
    torch.manual_seed(321)
    same = weights(Bert4Rec.fit(data, options))
    other = weights(Bert4Rec.fit(data, replace(options, seed=7)))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_training_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    Bert4Rec.fit(pairs_data(), replace(TINY, epochs=1))
    assert torch.equal(torch.rand(3), expected)


class Script:
    """A validation whose answers are known beforehand; remembers the weights it saw."""

    def __init__(self, *answers: float) -> None:
        self.answers = list(answers)
        self.seen: list[Mapping[str, torch.Tensor]] = []

    def __call__(self, ranker: Ranker) -> dict[str, float]:
        assert isinstance(ranker, Bert4Rec)
        self.seen.append({name: tensor.clone() for name, tensor in weights(ranker).items()})
        return {"ndcg@10": self.answers[len(self.seen) - 1]}


def test_the_weights_of_the_best_validation_are_kept() -> None:
    script = Script(0.1, 0.3, 0.2, 0.25)
    model = Bert4Rec.fit_watched(pairs_data(), replace(TINY, epochs=4, validate_every=1), Watch(script))
    assert model.epochs_trained == 2
    assert all(torch.equal(tensor, script.seen[1][name]) for name, tensor in weights(model).items())
    assert not all(torch.equal(tensor, script.seen[3][name]) for name, tensor in weights(model).items())


def test_training_stops_when_validation_has_not_improved_for_long_enough() -> None:
    script = Script(0.1, 0.3, 0.2, 0.2, 0.2, 0.9)
    Bert4Rec.fit_watched(pairs_data(), replace(TINY, epochs=50, validate_every=2, patience=3), Watch(script))
    assert len(script.seen) == 5


def test_zero_epochs_give_a_model_that_ranks_by_popularity() -> None:
    data = pairs_data()
    model = Bert4Rec.fit(data, replace(TINY, epochs=0, start_from_counts=False))
    assert model.scores(Query()).shape == (20,)
    assert model.epochs_trained == 0


class Interrupted:
    """A watcher that presses Ctrl-C in the second epoch."""

    @contextmanager
    def task(self, what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        def advance(_done: int) -> None:
            self.epochs += 1
            if self.epochs == 2:
                raise KeyboardInterrupt

        self.epochs = 0
        yield advance


def test_an_interrupt_ends_training_at_once() -> None:
    watcher = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        Bert4Rec.fit_watched(pairs_data(), replace(TINY, epochs=50), Watch(progress=watcher))
    assert watcher.epochs == 2


def test_each_epoch_has_every_film_of_every_sequence_once() -> None:
    sequences = [np.arange(n) for n in (2, 5, 12, 13, 40, 100)]
    for seed in range(20):
        got = [window for batch in batches(sequences, TINY, False, np.random.default_rng(seed)) for window in batch]
        assert max(map(len, got)) <= TINY.max_length
        total, missing = sum(map(len, sequences)), 3  # a film alone at a cut has no context and is left out
        assert total - missing * 2 <= sum(map(len, got)) <= total


def test_a_short_sequence_is_one_window_and_a_long_one_is_cut_elsewhere_each_time() -> None:
    rng = np.random.default_rng(0)
    assert [list(window) for window in cut(np.arange(12), 12, TINY, rng)] == [list(range(12))]
    starts = {tuple(len(window) for window in cut(np.arange(30), 12, TINY, rng)) for _ in range(50)}
    assert len(starts) > 5
    assert list(cut(np.arange(1), 12, TINY, rng)) == []


def test_batches_are_of_like_length() -> None:
    rng = np.random.default_rng(0)
    sequences = [np.arange(int(rng.integers(2, 13))) for _ in range(400)]
    spreads = [max(map(len, batch)) - min(map(len, batch)) for batch in batches(sequences, TINY, False, rng)]
    assert np.mean(spreads) < 1.5


def test_the_rate_warms_up_and_then_falls_along_a_cosine() -> None:
    options = Options(warmup_steps=10, final_rate=0.05)
    rates = [rate(step, 110, options) for step in range(111)]
    assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert rates[10] == 1.0
    assert rates[60] == pytest.approx(0.525)
    assert rates[110] == pytest.approx(0.05)
    assert all(a >= b for a, b in pairwise(rates[10:]))


def test_count_embeddings_put_films_of_a_pair_together_and_repeat_themselves() -> None:
    data = pairs_data()
    vectors = count_embeddings(data, 8)
    assert vectors.shape == (20, 8)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    nearness = unit @ unit.T - 2 * np.eye(20)
    assert [int(nearness[film].argmax()) for film in range(20)] == [film ^ 1 for film in range(20)]
    np.testing.assert_array_equal(vectors, count_embeddings(data, 8))


def test_count_embeddings_of_almost_nothing_are_zeros_or_padded_with_them() -> None:
    alone = TrainingData.from_columns(["u"], ["f"], [4.0], [1])
    np.testing.assert_array_equal(count_embeddings(alone, 4), np.zeros((1, 4)))
    two = TrainingData.from_columns(["u", "u"], ["f", "g"], [4.0, 4.0], [1, 2])
    assert count_embeddings(two, 4).shape == (2, 4)


def test_the_seconds_of_the_version_it_started_from_count_too() -> None:
    data = pairs_data()
    first = Bert4Rec.fit(data, replace(TINY, epochs=1))
    watch = Watch(stored=lambda _name, _version: first)
    alone = Bert4Rec.fit_watched(data, replace(TINY, epochs=0, start_from="1"), watch)
    assert alone.cpu_seconds >= first.cpu_seconds > 0
