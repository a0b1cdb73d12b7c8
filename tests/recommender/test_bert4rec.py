"""BERT4Rec's network and its adapter: what padding may not touch, what a history does to a ranking."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from recommender_api.models.base import Query
from recommender_api.models.bert4rec import Bert4Rec, Facts, Options
from recommender_api.transformer.devices import choose_device
from recommender_api.transformer.losses import softmax_loss
from recommender_api.transformer.network import Network
from recommender_api.transformer.objectives import NOTHING, Examples, choose_masked, pad_right
from recommender_api.vocabulary import Vocabulary
from recommender_api.weights import ModelFileError
from service_kit.errors import InvalidRequest
from tests.support.pairs import FILMS, pairs_data

TINY = Options(hidden_size=16, layers=2, heads=2, max_length=12, batch_size=16, epochs=2, warmup_steps=5, device="cpu")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def network(options: Options = TINY) -> Network:
    """Weights large enough that every path through the network shows in its output."""
    made = Network(FILMS, options).eval()
    generator = torch.Generator().manual_seed(1)
    made.initialise(torch.ones(FILMS), torch.randn(FILMS, options.hidden_size, generator=generator) * 10, generator)
    return made


def loss_of(net: Network, examples: Examples) -> Tensor:
    hidden, targets = net(examples.tokens, examples.causal)[examples.asked], examples.targets[examples.asked]
    return softmax_loss(hidden, net.output_weight, net.output_bias, targets)


def query(*items: int, ratings: list[float] | None = None, avoid: tuple[int, ...] = ()) -> Query:
    values = np.array(ratings or [4.0] * len(items), np.float32)
    return Query(np.array(items, np.int64), values, np.arange(len(items)), np.array(avoid, np.int64))


@pytest.fixture(scope="module")
def trained() -> Bert4Rec:
    torch.set_num_threads(1)
    return Bert4Rec.fit(
        pairs_data(), replace(TINY, layers=1, dropout=0.0, start_from_counts=False, epochs=50, learning_rate=1e-2)
    )


def test_many_histories_are_scored_as_each_one_alone() -> None:
    model = Bert4Rec(network(), Vocabulary.of(map(str, range(FILMS))), TINY, Facts(1, 3.5))
    queries = [query(*range(at % 5 + 1)) for at in range(70)]
    alone = np.stack([model.scores(of_user) for of_user in queries])
    np.testing.assert_allclose(model.scores_batch(queries), alone, rtol=1e-4, atol=1e-5)


class TestPadding:
    short, long = np.array([3, 1, 4]), np.array([2, 7, 1, 8, 2, 8])

    @torch.inference_mode()
    def test_a_sequence_beside_a_longer_one_gets_the_same_hidden_states_as_alone(self) -> None:
        net = network()
        for causal in (False, True):
            alone = net(pad_right([self.short], net.pad), causal)
            beside = net(pad_right([self.short, self.long], net.pad), causal)
            torch.testing.assert_close(beside[:1, :3], alone, atol=1e-5, rtol=1e-5)

    @torch.inference_mode()
    @pytest.mark.parametrize(
        "options",
        [
            TINY,
            replace(TINY, layers=0),
            replace(TINY, attention_bias="none"),
            replace(TINY, attention_bias="relative", positions="none", convolution=2),
        ],
        ids=["fading", "no layers", "no bias", "relative"],
    )
    def test_the_hidden_state_of_one_token_is_the_same_without_working_out_the_others(self, options: Options) -> None:
        net = network(options)
        tokens, last = pad_right([self.short, self.long], net.pad), torch.tensor([2, 5])
        for causal in (False, True):
            whole = net(tokens, causal)[torch.arange(2), last]
            torch.testing.assert_close(net(tokens, causal, last)[:, 0], whole, atol=1e-5, rtol=1e-5)

    @torch.inference_mode()
    def test_what_the_padding_row_holds_does_not_matter(self) -> None:
        net = network()
        tokens = pad_right([self.short, self.long], net.pad)
        before = net.logits(net(tokens)[:, 2])
        net.items.weight[net.pad] = 100.0
        torch.testing.assert_close(net.logits(net(tokens)[:, 2]), before)

    def test_the_loss_is_the_same_with_more_padding_and_teaches_the_padding_row_nothing(self) -> None:
        net = network()
        films = pad_right([self.short, self.long], net.pad)
        masked = torch.zeros_like(films, dtype=torch.bool)
        masked[:, 1] = True
        examples = Examples(films.masked_fill(masked, net.mask), films.masked_fill(~masked, NOTHING), False)
        wider = Examples(
            torch.cat([examples.tokens, torch.full((2, 3), net.pad)], dim=1),
            torch.cat([examples.targets, torch.full((2, 3), NOTHING)], dim=1),
            False,
        )
        loss = loss_of(net, examples)
        torch.testing.assert_close(loss_of(net, wider), loss, atol=1e-5, rtol=1e-5)
        loss.backward()  # type: ignore[no-untyped-call]
        gradient = net.items.weight.grad
        assert gradient is not None
        assert not gradient[net.pad].any()
        assert gradient[net.mask].any()

    def test_padding_is_never_masked_and_every_sequence_has_something_to_guess(self) -> None:
        rng = np.random.default_rng(0)
        real = pad_right([np.arange(n) for n in (2, 3, 12, 7)], -1) != -1
        for _ in range(50):
            masked = choose_masked(real, TINY, rng)
            assert not (masked & ~real).any()
            assert masked.any(dim=1).all()

    def test_padding_and_mask_cannot_be_ranked(self, trained: Bert4Rec) -> None:
        assert trained.scores(query(1, 2)).shape == (FILMS,)
        assert trained.network.items.num_embeddings == FILMS + 2


def test_a_masked_share_is_what_the_options_say() -> None:
    options = Options(mask_probability=0.3, last_item_share=0.25)
    masked = choose_masked(torch.ones((2000, 50), dtype=torch.bool), options, np.random.default_rng(0))
    only_last = masked[:, -1] & (masked.sum(dim=1) == 1)
    assert only_last.float().mean().item() == pytest.approx(0.25, abs=0.03)
    assert masked[~only_last].float().mean().item() == pytest.approx(0.3, abs=0.01)


@torch.inference_mode()
def test_attention_looks_both_ways() -> None:
    """Changing the last film changes the hidden state of the first, and the other way round."""
    net = network()

    def hidden(*films: int) -> Tensor:
        states: Tensor = net(torch.tensor([films]))[0]
        return states

    base = hidden(1, 2, 3, 4)
    assert not torch.allclose(hidden(1, 2, 3, 9)[0], base[0], atol=1e-3)
    assert not torch.allclose(hidden(9, 2, 3, 4)[3], base[3], atol=1e-3)


@torch.inference_mode()
def test_order_matters() -> None:
    net = network()
    one, other = (net(torch.tensor([films]))[0, -1] for films in ((1, 2, 3, net.mask), (3, 2, 1, net.mask)))
    assert not torch.allclose(one, other, atol=1e-3)


class TestServing:
    def test_many_queries_at_once_score_as_each_alone(self, trained: Bert4Rec) -> None:
        queries = [query(), query(1), query(*range(15)), query(4, 5, 6)]
        together = trained.scores_batch(queries)
        assert together.dtype == np.float32
        np.testing.assert_allclose(together, [trained.scores(one) for one in queries], atol=1e-4)

    def test_only_the_latest_films_that_fit_are_read(self, trained: Bert4Rec) -> None:
        films = list(range(FILMS))
        latest = films[-(TINY.max_length - 1) :]
        np.testing.assert_array_equal(trained.scores(query(*films)), trained.scores(query(*latest)))
        assert not np.array_equal(trained.scores(query(*films)), trained.scores(query(*latest[1:])))

    def test_a_film_rated_low_does_not_enter_the_sequence(self, trained: Bert4Rec) -> None:
        with_low = query(2, 3, 6, ratings=[4.0, 4.0, 0.5])
        np.testing.assert_array_equal(trained.scores(with_low), trained.scores(query(2, 3)))

    def test_a_single_low_rating_does_not_pull_either(self, trained: Bert4Rec) -> None:
        np.testing.assert_array_equal(trained.scores(query(6, ratings=[0.5])), trained.scores(query()))

    def test_changing_a_5_to_a_half_changes_the_ranking(self, trained: Bert4Rec) -> None:
        high, low = (trained.scores(query(2, 3, 6, ratings=[4.0, 4.0, last])) for last in (5.0, 0.5))
        assert not np.array_equal(np.argsort(high), np.argsort(low))

    def test_a_film_to_avoid_does_not_pull(self, trained: Bert4Rec) -> None:
        np.testing.assert_array_equal(trained.scores(query(2, 6, avoid=(6,))), trained.scores(query(2)))

    def test_it_ranks_and_predicts_no_ratings(self, trained: Bert4Rec) -> None:
        assert trained.predict(query(1), np.array([2])) is None


class TestFiles:
    def test_what_was_saved_scores_the_same(self, trained: Bert4Rec, tmp_path: Path) -> None:
        trained.save(tmp_path)
        loaded = Bert4Rec.load(tmp_path, trained.vocabulary)
        np.testing.assert_array_equal(loaded.scores(query(1, 2, 3)), trained.scores(query(1, 2, 3)))
        assert (loaded.options, loaded.facts) == (trained.options, trained.facts)

    def test_a_vocabulary_of_another_size_is_refused_with_both_numbers(self, trained: Bert4Rec, tmp_path: Path) -> None:
        trained.save(tmp_path)
        with pytest.raises(ModelFileError, match=r"20 films.*21"):
            Bert4Rec.load(tmp_path, Vocabulary.of(f"f{film:02}" for film in range(21)))

    def test_weights_of_another_shape_than_the_config_are_refused(self, trained: Bert4Rec, tmp_path: Path) -> None:
        trained.save(tmp_path)
        config = tmp_path / "config.json"
        config.write_text(config.read_text().replace('"hidden_size": 16', '"hidden_size": 32'))
        with pytest.raises(ModelFileError, match=r"is \(\d+.*config\.json asks for \(\d+"):
            Bert4Rec.load(tmp_path, trained.vocabulary)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hidden_size": 30, "heads": 4}, "hidden_size 30 must be a multiple of heads 4"),
        ({"max_length": 1}, "max_length must be 2 to 8192, not 1"),
        ({"dropout": float("nan")}, "dropout must be"),
        ({"device": "tpu"}, "device must be auto, cpu, cuda or mps, not tpu"),
    ],
)
def test_options_that_cannot_be_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Options(**wrong)  # type: ignore[arg-type]


def test_a_device_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    with pytest.raises(InvalidRequest, match="no cuda device"):
        choose_device("cuda")
