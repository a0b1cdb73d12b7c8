"""`ncf` in all its kinds on the contract of all rankers, and its fold-in."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from recommender_api.models import ncf
from recommender_api.models.base import Query
from recommender_api.models.factors import inverse
from recommender_api.models.ncf import Ncf
from recommender_api.models.ncf_network import KINDS
from recommender_api.models.ncf_training import Batches, Network
from recommender_api.models.watching import Watch
from recommender_api.testing.checkerboard import FILMS, checkerboard, of_colour, query
from recommender_api.testing.ranker_contract import RankerContract
from recommender_api.weights import ModelFileError

pytestmark = pytest.mark.slow  # as a whole: the fast tests are to end within a minute

RATINGS = ncf.Options(factors=8, batch_size=64, epochs=30, learning_rate=0.01, penalty=4.0)
WATCHED = replace(RATINGS, learns="watched", penalty=1.0)


class TestNeuMF(RankerContract):
    ranker, options, predicts = Ncf, RATINGS, True


class TestGMF(RankerContract):
    ranker, options, predicts = Ncf, replace(RATINGS, kind="gmf"), True


class TestMLP(RankerContract):
    ranker, options, predicts = Ncf, replace(RATINGS, kind="mlp", factors=16, layers=2, penalty=1.0), True


class TestPlain(RankerContract):
    ranker, options, predicts = Ncf, replace(RATINGS, kind="plain"), True


class TestNeuMFOfWhatIsWatched(RankerContract):
    ranker, options, predicts = Ncf, WATCHED, False


class TestGMFOfWhatIsWatched(RankerContract):
    ranker, options, predicts = Ncf, replace(WATCHED, kind="gmf"), False


class TestMLPOfWhatIsWatched(RankerContract):
    ranker, options, predicts = Ncf, replace(WATCHED, kind="mlp", factors=16, layers=2, penalty=0.3), False


@cache
def fitted(options: ncf.Options) -> Ncf:
    return Ncf.fit(checkerboard(), options)


class TestTheFoldIn:
    @pytest.mark.parametrize("options", [RATINGS, replace(RATINGS, kind="plain"), WATCHED], ids=str)
    def test_a_user_is_no_worse_off_than_nearby(self, options: ncf.Options) -> None:
        model = fitted(options)
        items, ratings = np.array([0, 2, 4, 1, 3]), np.array([5.0, 4.5, 4.0, 1.0, 2.0], np.float32)
        near = model._watched(items) if options.learns == "watched" else model._rated(items, ratings)

        def loss(change: np.ndarray) -> float:
            return float(near(change).loss + options.penalties @ change**2)

        found, rng = model.user(items, ratings), np.random.default_rng(5)
        assert loss(found) < loss(np.zeros(options.width))
        for _ in range(20):
            assert loss(found) <= loss(found + 0.5 * rng.normal(size=found.shape)) + 1e-9

    @pytest.mark.parametrize("kind", KINDS)
    def test_slopes_are_those_of_z(self, kind: str) -> None:
        options = replace(RATINGS, kind=kind, epochs=1)
        films, rng = fitted(options)._films, np.random.default_rng(6)
        user, step = rng.normal(size=options.width), 1e-6
        z, slopes = films.z_and_slopes(user)
        for at in range(options.width):
            moved, _ = films.z_and_slopes(user + step * (np.arange(options.width) == at))
            np.testing.assert_allclose((moved - z) / step, slopes[:, at], atol=1e-4)

    @pytest.mark.parametrize("options", [RATINGS, WATCHED], ids=str)
    def test_a_low_rating_raises_no_film_at_all(self, options: ncf.Options) -> None:
        model, rng = fitted(options), np.random.default_rng(11)
        for _ in range(20):
            *before, film = rng.permutation(FILMS)[: rng.integers(1, 9)]
            ratings = list(rng.choice([0.5, 1.0, 3.5, 5.0], len(before)))
            low = model.scores(query(*before, film, ratings=[*ratings, 0.5]))
            assert (low <= model.scores(query(*before, ratings=ratings)) + 1e-6).all()

    def test_one_more_rating_counts_at_once(self) -> None:
        for options in (RATINGS, WATCHED):
            assert not np.array_equal(fitted(options).scores(query(0)), fitted(options).scores(query(0, 2)))


def test_numpy_and_torch_agree_on_z() -> None:
    model = fitted(RATINGS)
    network = Network(checkerboard(), RATINGS, 0)
    kept = {name: torch.from_numpy(model.weights[name]) for name in network.kept}
    network.load_state_dict({f"kept.{name}": weight for name, weight in kept.items()}, strict=False)
    user = np.random.default_rng(1).normal(size=RATINGS.width).astype(np.float32)
    with torch.no_grad():
        z, _ = network(torch.from_numpy(np.tile(user, (FILMS, 1))), torch.arange(FILMS))
    constant = inverse("logistic", model.facts.mean_rating)
    np.testing.assert_allclose(model._films.z(user), z.numpy() + constant, rtol=1e-4, atol=1e-5)


def test_a_drawn_film_that_was_watched_counts_for_nothing() -> None:
    data, options = checkerboard(), replace(WATCHED, negatives=3)
    watched = set(zip(data.users.tolist(), data.items.tolist(), strict=True))
    for batch in Batches(data, options, torch.Generator().manual_seed(0)):
        drawn = batch.truth == 0
        pairs = zip(batch.users[drawn].tolist(), batch.films[drawn].tolist(), strict=True)
        assert [pair not in watched for pair in pairs] == (batch.weight[drawn] == 1).tolist()
        assert (batch.user_share[drawn] == 0).all()  # penalties are borne by what was watched


@cache
def women_like_one_colour_and_men_the_other() -> Ncf:
    data = checkerboard()
    told = tuple({"gender": "FM"[user % 2], "zip_code": str(user)} for user in range(data.n_users))
    return Ncf.fit(replace(data, attributes=told), replace(RATINGS, attributes=True))


class TestAttributes:
    @pytest.fixture
    def model(self) -> Ncf:
        return women_like_one_colour_and_men_the_other()

    def test_what_is_known_of_somebody_without_a_rating_shapes_their_ranking(self, model: Ncf) -> None:
        for gender, own in (("F", 0), ("M", 1)):
            scores = model.known_as({"gender": gender, "age": "25"}).scores(Query())
            assert scores[of_colour(own)].min() > scores[of_colour(1 - own)].max()
        assert model.facts.attributes == {"gender=F": 0, "gender=M": 1}  # a postcode would name a person

    def test_nobody_in_particular_is_the_average_of_all(self, model: Ncf) -> None:
        weights = model.weights
        np.testing.assert_allclose(weights["everybody"], weights["attributes"].mean(axis=0), rtol=1e-4, atol=1e-6)
        assert not fitted(RATINGS).weights["everybody"].any()

    def test_they_are_kept_on_disk(self, model: Ncf, tmp_path: Path) -> None:
        model.save(tmp_path)
        again = Ncf.load(tmp_path, model.vocabulary).known_as({"gender": "F"})
        np.testing.assert_array_equal(again.scores(query(1)), model.known_as({"gender": "F"}).scores(query(1)))


def test_the_same_seed_gives_the_same_model_and_another_one_another() -> None:
    short = replace(RATINGS, epochs=2)
    first, again = fitted(short), Ncf.fit(checkerboard(), short)
    np.testing.assert_array_equal(first.scores(query(0, 1)), again.scores(query(0, 1)))
    assert not np.array_equal(fitted(replace(short, seed=1)).scores(query(0)), first.scores(query(0)))


def test_learning_what_is_watched_the_epoch_that_validates_best_is_kept() -> None:
    figures = iter([0.1, 0.3, 0.2])
    watch = Watch(validate=lambda _ranker: {"ndcg@10": next(figures)})
    assert Ncf.fit_watched(checkerboard(), replace(WATCHED, epochs=3), watch).epochs_trained == 2


@pytest.mark.parametrize(
    "wrong", [{"kind": "tower"}, {"learns": "clicks"}, {"factors": 0}, {"layers": 9}, {"penalty": 0.0}]
)
def test_an_option_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ncf.Options(**wrong)  # type: ignore[arg-type]


def test_a_tower_of_another_shape_than_the_options_say_is_refused(tmp_path: Path) -> None:
    model = fitted(replace(RATINGS, epochs=1))
    turned = model.weights | {"layer1_weight": model.weights["layer1_weight"].T}
    Ncf(model.vocabulary, model.options, model.facts, turned).save(tmp_path)
    with pytest.raises(ModelFileError, match="layer1_weight have the wrong shape"):
        Ncf.load(tmp_path, model.vocabulary)
