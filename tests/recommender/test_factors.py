"""`mf` and `kmf` on the contract of all rankers, and the online update that is their point."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks import kmf_online
from benchmarks.rankers import read
from recommender_api.data import TrainingData
from recommender_api.models import kmf, mf
from recommender_api.models.base import Query
from recommender_api.models.factors import KERNELS, FactorRanker, fold, stars
from recommender_api.models.folding import Local, newton, push_away, ridge
from recommender_api.models.kmf import KernelFactorisation
from recommender_api.models.mf import MatrixFactorisation
from recommender_api.testing.checkerboard import FILMS, checkerboard, of_colour, query
from recommender_api.testing.ranker_contract import RankerContract
from recommender_api.vocabulary import Vocabulary
from recommender_api.weights import ModelFileError
from tests.support.real_data import real_dataset

MF = mf.Options(factors=8)
LINEAR = kmf.Options(factors=8, batch_size=64, epochs=20)
LOGISTIC = replace(LINEAR, kernel="logistic")


class TestMatrixFactorisation(RankerContract):
    ranker = MatrixFactorisation
    options = MF
    predicts = True


class TestLinearKernel(RankerContract):
    ranker = KernelFactorisation
    options = LINEAR
    predicts = True


class TestLogisticKernel(RankerContract):
    ranker = KernelFactorisation
    options = LOGISTIC
    predicts = True


@cache
def fitted(options: mf.Options | kmf.Options) -> FactorRanker:
    if isinstance(options, mf.Options):
        return MatrixFactorisation.fit(checkerboard(), options)
    return KernelFactorisation.fit(checkerboard(), options)


each = pytest.mark.parametrize("options", [MF, LINEAR, LOGISTIC], ids=["mf", "linear", "logistic"])


class TestTheUpdate:
    @each
    def test_a_user_is_where_the_regularised_error_is_least(self, options: mf.Options | kmf.Options) -> None:
        model = fitted(options)
        items, ratings = np.array([0, 2, 4, 1, 3]), np.array([5.0, 4.5, 4.0, 1.0, 2.0], np.float32)

        def error(theta: np.ndarray) -> float:
            z = model.films.constant + model.films.biases[items] + model.films.rows[items] @ theta
            missed = ratings - stars(model.films.kernel, z)
            return float(missed @ missed + options.penalties @ theta**2)

        found = model.user(items, ratings)
        rng = np.random.default_rng(5)
        for size in (1e-3, 1e-2, 0.3):
            for _ in range(20):
                assert error(found) <= error(found + size * rng.normal(size=found.shape)) + 1e-9

    @each
    def test_the_update_of_everybody_fits_the_ratings_as_well_as_training_did(
        self, options: mf.Options | kmf.Options
    ) -> None:
        model, data = fitted(options), checkerboard()
        errors = model.rate_pairs(model.users(data)[data.users], data.items) - data.ratings
        averages = model.rate_pairs(np.zeros((len(data), 9)), data.items) - data.ratings
        assert kmf_online.rmse(errors) < kmf_online.rmse(averages) / 2

    @each
    def test_nobody_has_the_films_averages(self, options: mf.Options | kmf.Options) -> None:
        model = fitted(options)
        np.testing.assert_array_equal(model.user(np.zeros(0, np.int64), np.zeros(0, np.float32)), 0)
        averages = stars(model.films.kernel, model.films.constant + model.films.biases)
        np.testing.assert_allclose(model.predict(Query(), np.arange(FILMS)), averages, rtol=1e-5)

    @each
    def test_with_a_threshold_a_user_is_worked_out_anew_only_after_so_many_ratings(
        self, options: mf.Options | kmf.Options
    ) -> None:
        every = fitted(options)
        patient = type(every)(every.vocabulary, replace(options, update_after=3), every.films)
        films = [0, 2, 1, 4, 6, 8, 3]
        found = [patient.scores(query(*films[:length])) for length in range(8)]
        changed = [not np.array_equal(before, after) for before, after in pairwise(found)]
        # The first two ratings count at once: with nothing to keep there is nothing to wait for.
        assert changed == [True, True, True, False, False, True, False]
        assert not np.array_equal(every.scores(query(0)), every.scores(query(0, 2)))

    @each
    def test_a_low_rating_raises_no_film_at_all(self, options: mf.Options | kmf.Options) -> None:
        model, rng = fitted(options), np.random.default_rng(11)
        for _ in range(40):
            *before, film = rng.permutation(FILMS)[: rng.integers(1, 9)]
            ratings = list(rng.choice([0.5, 1.0, 3.5, 5.0], len(before)))
            low = model.scores(query(*before, film, ratings=[*ratings, 0.5]))
            assert (low <= model.scores(query(*before, ratings=ratings)) + 1e-6).all()
            avoided = model.scores(query(*before, ratings=ratings, avoid=(film,)))
            assert (avoided <= model.scores(query(*before, ratings=ratings)) + 1e-6).all()


class TestNewFilms:
    NEW = "film-04"

    def without(self) -> TrainingData:
        data = checkerboard()
        kept = data.select(data.items != data.vocabulary.rows([self.NEW])[0][0])
        return kmf_online.without_films(kept)

    @each
    def test_a_film_that_came_later_is_worked_out_from_its_ratings(self, options: mf.Options | kmf.Options) -> None:
        old = type(fitted(options)).fit(self.without(), options)
        new = old.with_new_films(checkerboard())
        assert new.vocabulary == checkerboard().vocabulary
        row = new.vocabulary.rows([self.NEW])[0][0]
        likes, dislikes = query(*of_colour(0)[3:8]), query(*of_colour(1)[3:8])
        assert new.predict(likes, np.array([row]))[0] > new.predict(dislikes, np.array([row]))[0] + 0.4
        whole = fitted(options)
        for asked in (likes, dislikes):
            assert abs(new.predict(asked, np.array([row])) - whole.predict(asked, np.array([row])))[0] < 0.5

    @each
    def test_what_was_known_stays_as_it_was(self, options: mf.Options | kmf.Options, tmp_path: Path) -> None:
        old = type(fitted(options)).fit(self.without(), options)
        new = old.with_new_films(checkerboard())
        at, _ = new.vocabulary.rows(old.vocabulary.ids)
        asked = [0, 2, 1]
        np.testing.assert_array_equal(
            new.predict(query(*at[asked]), at), old.predict(query(*asked), np.arange(len(old.vocabulary)))
        )
        new.save(tmp_path)
        again = type(new).load(tmp_path, new.vocabulary)
        np.testing.assert_array_equal(again.scores(query(0, 4)), new.scores(query(0, 4)))
        assert old.with_new_films(self.without()).vocabulary == old.vocabulary


class TestFitting:
    @pytest.mark.parametrize("options", [LINEAR, LOGISTIC, MF])
    def test_the_same_seed_gives_the_same_model_and_another_one_another(
        self, options: mf.Options | kmf.Options
    ) -> None:
        kind = type(fitted(options))
        first, again = fitted(options), kind.fit(checkerboard(), options)
        np.testing.assert_array_equal(first.scores(query(0, 1)), again.scores(query(0, 1)))
        other = kind.fit(checkerboard(), replace(options, seed=1))
        assert not np.array_equal(first.films.vectors, other.films.vectors)

    def test_both_solvers_reach_the_same_least_error(self) -> None:
        """`mf` and the linear kernel minimise one sum: in turns, and by gradients."""
        data, found = checkerboard(), []
        slow = replace(LINEAR, epochs=400, learning_rate=0.02)
        for model in (MatrixFactorisation.fit(data, replace(MF, rounds=50)), KernelFactorisation.fit(data, slow)):
            users, films = model.users(data), model.films
            missed = model.rate_pairs(users[data.users], data.items) - data.ratings
            theta = np.column_stack([films.biases, films.vectors])
            penalty = (MF.penalties * users**2).sum() + (MF.penalties * theta**2).sum()
            found.append(float(missed @ missed + penalty))
        assert found[1] == pytest.approx(found[0], rel=0.02)

    def test_a_film_without_a_rating_has_a_row_all_the_same(self) -> None:
        data = checkerboard()
        for options in (MF, LINEAR):
            model = type(fitted(options)).fit(data.select(data.items != 5), options)
            assert np.isfinite(model.scores(query(0, 5))).all()

    @pytest.mark.parametrize(
        ("kind", "wrong"),
        [
            (mf.Options, {"factors": 0}),
            (mf.Options, {"penalty": 0.0}),
            (mf.Options, {"update_after": 0}),
            (kmf.Options, {"kernel": "gaussian"}),
            (kmf.Options, {"epochs": 0}),
        ],
    )
    def test_an_option_that_makes_no_sense_is_refused(self, kind: type, wrong: dict[str, object]) -> None:
        with pytest.raises(ValueError, match=next(iter(wrong))):
            kind(**wrong)


class TestOnDisk:
    def test_a_kernel_that_does_not_exist_is_refused(self, tmp_path: Path) -> None:
        model = fitted(LOGISTIC)
        model.save(tmp_path)
        config = json.loads((tmp_path / "config.json").read_text())
        (tmp_path / "config.json").write_text(json.dumps(config | {"kernel": "gaussian"}))
        with pytest.raises(ModelFileError, match="gaussian"):
            KernelFactorisation.load(tmp_path, model.vocabulary)

    def test_vectors_of_another_length_than_the_options_say_are_refused(self, tmp_path: Path) -> None:
        model = fitted(MF)
        model.save(tmp_path)
        config = json.loads((tmp_path / "config.json").read_text())
        config["options"]["factors"] = 9
        (tmp_path / "config.json").write_text(json.dumps(config))
        with pytest.raises(ModelFileError, match="vectors have the wrong shape"):
            MatrixFactorisation.load(tmp_path, model.vocabulary)

    @pytest.mark.slow
    def test_serving_imports_neither_torch_nor_scipy(self, tmp_path: Path) -> None:
        fitted(LOGISTIC).save(tmp_path)
        code = f"""
import sys
from pathlib import Path
import numpy as np
from recommender_api.models.base import Query
from recommender_api.models.registry import ranker_class
from recommender_api.vocabulary import Vocabulary
model = ranker_class("kmf").load(Path({str(tmp_path)!r}), Vocabulary({list(fitted(LOGISTIC).vocabulary.ids)!r}))
model.scores(Query(np.array([0]), np.array([5.0], np.float32), np.array([1])))
print(sorted({{"torch", "scipy", "sklearn"}} & set(sys.modules)))
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"


class TestSolving:
    def test_a_linear_problem_is_exact_in_one_step(self) -> None:
        rng = np.random.default_rng(3)
        for films in (2, 20):
            rows, targets, penalties = rng.normal(size=(films, 5)), rng.normal(size=films), rng.uniform(1, 3, 5)
            expected = np.linalg.inv(rows.T @ rows + np.diag(penalties)) @ rows.T @ targets
            np.testing.assert_allclose(ridge(rows, targets, penalties), expected, rtol=1e-9)
            one = newton(lambda _, r=rows, t=targets: Local(0.0, r, t), penalties, 1)  # type: ignore[misc]
            np.testing.assert_allclose(one, expected, rtol=1e-9)

    def test_a_curved_problem_is_never_left_worse_than_it_began(self) -> None:
        """Ratings at the ends of the scale, where the logistic kernel is flat and a full step goes too far."""
        rng = np.random.default_rng(4)
        for scale in (0.1, 1.0, 10.0, 100.0):
            rows = np.column_stack([np.ones(30), scale * rng.normal(size=(30, 4))])
            offsets, ratings = 5 * rng.normal(size=30), rng.choice([0.5, 5.0], 30)
            penalties = np.full(5, 0.1)
            found = fold("logistic", rows, offsets, ratings, penalties)

            def error(theta: np.ndarray) -> float:
                missed = ratings - stars("logistic", offsets + rows @ theta)  # noqa: B023
                return float(missed @ missed + penalties @ theta**2)  # noqa: B023

            assert np.isfinite(found).all()
            assert error(found) <= error(np.zeros(5)) + 1e-9

    def test_the_likest_disliked_film_counts_and_unlike_films_are_left_alone(self) -> None:
        vectors = np.array([[1, 0], [0.9, 0.1], [-1, 0], [0, 1]], np.float32)
        np.testing.assert_array_equal(push_away(vectors, np.zeros(0, np.int64)), 0)
        one, two = push_away(vectors, np.array([0])), push_away(vectors, np.array([0, 1]))
        assert one[0] >= one[1] > 0.8
        assert one[2] == one[3] == 0
        assert (two >= one).all()
        assert two.max() <= 1


@pytest.mark.slow
def test_updating_new_users_comes_within_two_percent_of_training_again() -> None:
    data = read(real_dataset("ml-latest-small"))
    options = kmf.Options(factors=32, epochs=20)
    found = kmf_online.new_users(data, options)
    assert kmf_online.rmse(found.trained_again) < 0.87
    assert found.ratio < 1.02
    for kernel in KERNELS:
        assert kmf_online.update_ms(data, replace(options, kernel=kernel))[0] < 5


def test_users_whose_every_rating_was_of_a_new_film_are_nobody_yet() -> None:
    data = TrainingData.from_columns(["u", "v", "v"], ["a", "a", "b"], [5.0, 1.0, 4.0], [1, 1, 2])
    model = MatrixFactorisation.fit(kmf_online.without_films(data.select(data.items == 0)), MF)
    assert isinstance(model.vocabulary, Vocabulary)
    grown = model.with_new_films(data)
    assert grown.vocabulary.ids == ("a", "b")
    assert np.isfinite(grown.scores(query(0, 1))).all()
