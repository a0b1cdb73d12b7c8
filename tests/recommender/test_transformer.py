"""The parts of the sequence model: who sees whom, what a guess costs, what is asked, how fast the weights move."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from recommender_api.models.bert4rec import Bert4Rec
from recommender_api.transformer.losses import ROWS, gbce_loss, sampled_softmax_loss, softmax_loss
from recommender_api.transformer.network import Dropout, Network, by_distance
from recommender_api.transformer.objectives import NOTHING, Examples, batches, causal_examples, masked_examples
from recommender_api.transformer.optimisation import Averaged, rate
from recommender_api.transformer.options import Options
from tests.support.pairs import FILMS, ending_in, pairs_data

TINY = Options(hidden_size=16, layers=2, heads=2, max_length=12, positions="none", device="cpu")
EVERYTHING = replace(TINY, attention_bias="relative", convolution=2, positions="from_start")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def network(options: Options) -> Network:
    """Every parameter is far from zero, so that each path shows in the output."""
    made, generator = Network(FILMS, options).eval(), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5)
    return made


class TestNetwork:
    @pytest.mark.parametrize("options", [TINY, EVERYTHING, replace(TINY, attention_bias="none")])
    @torch.inference_mode()
    def test_causal_means_that_nothing_sees_what_comes_after_it(self, options: Options) -> None:
        net = network(options)
        one, other = (net(torch.tensor([films]), True)[0] for films in ([1, 2, 3, 4, 5], [1, 2, 3, 9, 8]))
        torch.testing.assert_close(one[:3], other[:3])
        assert not torch.allclose(one[3], other[3], atol=1e-3)

    @torch.inference_mode()
    def test_a_convolution_looks_two_films_to_both_sides_and_never_at_padding(self) -> None:
        block, vectors = network(EVERYTHING).blocks[0], torch.randn(1, 8, 16)
        real = torch.tensor([1, 1, 1, 1, 1, 1, 1, 0])[None, :, None]
        for causal, seen in ((False, {2, 3, 4, 5, 6}), (True, {2, 3, 4})):
            base = block._with_nearby(vectors, None if causal else real)[0, 4]
            for other in range(8):
                changed = vectors.clone()
                changed[0, other] += 1
                differs = not torch.equal(block._with_nearby(changed, None if causal else real)[0, 4], base)
                assert differs == (other in seen)
        padding = vectors.clone()
        padding[0, 7] += 1
        torch.testing.assert_close(block._with_nearby(padding, real)[0, :7], block._with_nearby(vectors, real)[0, :7])

    def test_a_table_by_distance_is_what_indices_would_give(self) -> None:
        before, after = torch.randn(2, 5), torch.randn(2, 5)
        table = by_distance(before, after)
        for row in range(5):
            for column in range(5):
                own = before[:, row - column] if column <= row else after[:, column - row]
                torch.testing.assert_close(table[:, row, column], own)

    def test_dropout_drops_its_share_and_keeps_the_mean(self) -> None:
        torch.manual_seed(0)
        dropped = Dropout(0.3)(torch.ones(1000, 301))
        assert (dropped == 0).float().mean().item() == pytest.approx(0.3, abs=0.005)
        assert dropped.mean().item() == pytest.approx(1.0, abs=0.01)
        assert torch.equal(Dropout(0.3).eval()(torch.ones(7)), torch.ones(7))

    def test_bfloat16_is_for_training_only(self) -> None:
        net, tokens = network(replace(EVERYTHING, dropout=0.0)), torch.tensor([[1, 2, 3]])
        exact = net(tokens)
        net.working = torch.bfloat16
        torch.testing.assert_close(net(tokens), exact, rtol=0, atol=0)
        assert not torch.equal(net.train()(tokens), exact)


@pytest.fixture
def guess() -> dict[str, Tensor]:
    """More guesses than are computed at once."""
    generator = torch.Generator().manual_seed(0)
    return {
        "hidden": torch.randn(ROWS + 44, 8, generator=generator).requires_grad_(),
        "weight": torch.randn(FILMS, 8, generator=generator).requires_grad_(),
        "bias": torch.randn(FILMS, generator=generator).requires_grad_(),
        "targets": torch.randint(0, FILMS, (ROWS + 44,), generator=generator),
    }


class TestLosses:
    def test_the_full_softmax_is_cross_entropy_and_so_are_its_gradients(self, guess: dict[str, Tensor]) -> None:
        inputs = [guess["hidden"], guess["weight"], guess["bias"]]
        loss = softmax_loss(*inputs, guess["targets"])
        plain = F.cross_entropy(F.linear(*inputs), guess["targets"], reduction="sum")
        torch.testing.assert_close(loss, plain)
        for ours, theirs in zip(
            torch.autograd.grad(loss * 0.5, inputs), torch.autograd.grad(plain * 0.5, inputs), strict=True
        ):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)

    def test_in_bfloat16_it_is_nearly_the_same(self, guess: dict[str, Tensor]) -> None:
        inputs = [guess["hidden"], guess["weight"], guess["bias"], guess["targets"]]
        assert softmax_loss(*inputs, torch.bfloat16).item() == pytest.approx(softmax_loss(*inputs).item(), rel=0.02)

    def test_nothing_to_guess_costs_nothing(self, guess: dict[str, Tensor]) -> None:
        loss = softmax_loss(guess["hidden"][:0], guess["weight"], guess["bias"], guess["targets"][:0])
        loss.backward()  # type: ignore[no-untyped-call]
        assert loss.item() == 0
        assert guess["weight"].grad is not None
        assert not guess["weight"].grad.any()

    def test_the_sampled_softmax_with_its_correction_approaches_the_full_one(self, guess: dict[str, Tensor]) -> None:
        inputs = [guess["hidden"], guess["weight"], guess["bias"], guess["targets"]]
        chances = np.arange(1, FILMS + 1) / sum(range(1, FILMS + 1))  # far from even
        negatives = torch.from_numpy(np.random.default_rng(0).choice(FILMS, 20_000, p=chances))
        expected = torch.from_numpy(np.log(20_000 * chances)).float()
        sampled = sampled_softmax_loss(*inputs, negatives, expected).item()
        assert sampled == pytest.approx(softmax_loss(*inputs).item(), rel=0.01)
        uncorrected = sampled_softmax_loss(*inputs, negatives, torch.zeros(FILMS)).item()
        assert uncorrected > 2 * sampled

    def test_gbce_without_calibration_is_binary_cross_entropy(self, guess: dict[str, Tensor]) -> None:
        hidden, targets = guess["hidden"], guess["targets"]
        negatives = torch.tensor([3, 5])
        logits = F.linear(hidden, guess["weight"], guess["bias"])
        own = logits.gather(1, targets[:, None])
        others = logits[:, negatives]
        counted = (targets[:, None] != negatives).float()  # a target is no negative of its own row
        plain = F.binary_cross_entropy_with_logits(own, torch.ones_like(own), reduction="sum")
        plain = plain + F.binary_cross_entropy_with_logits(others, torch.zeros_like(others), counted, reduction="sum")
        inputs = (hidden, guess["weight"], guess["bias"], targets, negatives)
        torch.testing.assert_close(gbce_loss(*inputs, calibration=0.0), plain)
        assert gbce_loss(*inputs, calibration=1.0) < plain  # beta < 1: the positive part weighs less


class TestObjectives:
    windows = (np.array([3, 1, 4, 1, 5]), np.array([9, 2]))

    def test_causal_asks_for_the_next_film_behind_each(self) -> None:
        examples = causal_examples(self.windows, pad=20)
        assert examples.tokens.tolist() == [[3, 1, 4, 1], [9, 20, 20, 20]]
        assert examples.targets.tolist() == [[1, 4, 1, 5], [2, NOTHING, NOTHING, NOTHING]]

    def test_masked_asks_for_what_is_hidden_and_only_that(self) -> None:
        options = replace(TINY, last_item_share=0.0, mask_probability=0.5)
        for seed in range(20):
            examples = masked_examples(self.windows, 20, 21, options, np.random.default_rng(seed))
            films = torch.where(examples.asked, examples.targets, examples.tokens)
            assert films.tolist() == [[3, 1, 4, 1, 5], [9, 2, 20, 20, 20]]
            assert ((examples.tokens == 21) == examples.asked).all()

    def test_the_last_film_is_the_last_real_one(self) -> None:
        options = replace(TINY, last_item_share=1.0)
        examples = masked_examples(self.windows, 20, 21, options, np.random.default_rng(0))
        assert examples.tokens.tolist() == [[3, 1, 4, 1, 21], [9, 21, 20, 20, 20]]

    def test_processes_share_a_batch_without_a_rest(self) -> None:
        examples = causal_examples([np.arange(n) for n in (4, 5, 6)], pad=20)
        shares = [examples.share(rank, 2) for rank in range(2)]
        assert [len(share.tokens) for share in shares] == [2, 1]
        assert sum(int(share.asked.sum()) for share in shares) == int(examples.asked.sum())
        lonely = Examples(examples.tokens[:1], examples.targets[:1], True).share(1, 2)
        assert lonely.tokens.shape == examples.tokens[:1].shape
        assert not lonely.asked.any()

    def test_one_window_an_epoch_is_the_latest_or_from_anywhere(self) -> None:
        options = replace(TINY, windows="one", random_window=0.5)
        windows = [batches([np.arange(50)], options, False, np.random.default_rng(seed))[0][0] for seed in range(200)]
        assert all(len(window) == TINY.max_length and (np.diff(window) == 1).all() for window in windows)
        latest = np.mean([window[-1] == 49 for window in windows])
        assert latest == pytest.approx(0.5 + 0.5 / 39, abs=0.1)
        [[causal]] = batches([np.arange(50)], replace(options, random_window=0.0), True, np.random.default_rng(0))
        assert causal.tolist() == list(range(37, 50))  # the last one is only guessed


class TestOptimisation:
    @pytest.mark.parametrize(
        ("schedule", "half", "end"), [("cosine", 0.525, 0.05), ("linear", 0.525, 0.05), ("constant", 1.0, 1.0)]
    )
    def test_a_schedule_warms_up_and_ends_where_it_should(self, schedule: str, half: float, end: float) -> None:
        options = Options(schedule=schedule, warmup_steps=10, final_rate=0.05)
        rates = [rate(step, 110, options) for step in range(111)]
        assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
        assert (rates[10], rates[60], rates[110]) == pytest.approx((1.0, half, end))
        assert all(a >= b for a, b in pairwise(rates[10:]))

    def test_averaged_weights_are_between_the_first_and_the_last(self) -> None:
        net = torch.nn.Linear(1, 1, bias=False)
        averaged = Averaged(net, decay=0.9)
        for value in range(50):
            torch.nn.init.constant_(net.weight, float(value))
            averaged.update(net)
        assert 35 < averaged.weights["weight"].item() < 45  # the mean of the last ten or so


@pytest.mark.parametrize(
    ("loss", "epochs", "batch"),
    [("softmax", 15, 16), ("sampled_softmax", 15, 16), pytest.param("gbce", 60, 4, marks=pytest.mark.slow)],
)
def test_a_causal_model_learns_which_film_follows_which_with_every_loss(loss: str, epochs: int, batch: int) -> None:
    """A known right answer: after the first half of a pair, the second. gBCE needs ten times the steps for it."""
    options = replace(
        EVERYTHING, layers=1, heads=1, objective="causal", loss=loss, negatives=8, epochs=epochs, learning_rate=2e-2,
        warmup_steps=5, dropout=0.0, batch_size=batch, start_from_counts=False,
    )  # fmt: skip
    model = Bert4Rec.fit(pairs_data(), options)
    found = [int(model.scores(ending_in(film)).argmax()) for film in range(0, 20, 2)]
    assert sum(answer == film + 1 for answer, film in zip(found, range(0, 20, 2), strict=True)) >= 9


@pytest.mark.slow
def test_a_process_that_trains_keeps_the_memory_it_freed() -> None:
    """Page faults of taking and freeing the same 40 MB ten times, with and without."""
    script = """
import resource, sys, torch
from recommender_api.transformer.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
for _ in range(11):
    if _ == 1:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.zeros(10_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    kept, plain = (
        int(subprocess.run([sys.executable, "-c", script, word], capture_output=True, check=True, text=True).stdout)
        for word in ("keep", "plain")
    )
    assert kept <= plain
    if sys.platform == "linux" and plain > 10_000:
        assert kept < plain
