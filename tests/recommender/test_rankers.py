"""The rankers that are fitted at once, on the contract of all rankers; and what is each one's own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommender_api.data import DataError, TrainingData
from recommender_api.models import ease, forest, item_knn, regression, soup, transitions
from recommender_api.models.base import Query
from recommender_api.models.ease import Ease
from recommender_api.models.forest import Forest
from recommender_api.models.item_knn import ItemKnn
from recommender_api.models.registry import RANKERS, options_class, ranker_class
from recommender_api.models.regression import Regression
from recommender_api.models.soup import Soup
from recommender_api.models.transitions import Transitions
from recommender_api.testing.checkerboard import FILMS, checkerboard, of_colour, query
from recommender_api.testing.ranker_contract import RankerContract, overtaken
from recommender_api.weights import ModelFileError
from service_kit.errors import ModelUnavailable

SMALL_FOREST = forest.Options(rounds=25, trees=20, leaf=5, folds=5)


class TestTransitions(RankerContract):
    ranker = Transitions
    options = transitions.Options()
    predicts = False

    def test_scores_are_the_formula_worked_out_by_hand(self) -> None:
        """Two users saw a, b, c; one saw a, c. D[a,b] = 2, D[a,c] = 2 * 1/2 + 1, D[b,c] = 2."""
        data = TrainingData.from_columns(
            ["u", "u", "u", "v", "v", "v", "w", "w"], list("abcabcac"), [5.0] * 8, [1, 2, 3, 1, 2, 3, 1, 2]
        )
        model = Transitions.fit(data, transitions.Options())
        counts = np.array([[0, 2, 2], [0, 0, 2], [0, 0, 0]], float)
        rows, columns = counts.sum(axis=1) + 5, counts.sum(axis=0) + 5
        share = counts / rows[:, None] ** 0.7 / columns[None, :] ** 0.3
        trace = 1e-6 * np.array([3, 2, 3]) / 8
        np.testing.assert_allclose(model.scores(query(0, 1)), np.exp(-1 / 3) * share[0] + share[1] + trace, rtol=1e-5)
        np.testing.assert_allclose(model.scores(Query()), trace, rtol=1e-5)

    def test_only_the_strongest_followers_of_a_film_are_kept(self) -> None:
        full = Transitions.fit(checkerboard())
        cut = Transitions.fit(checkerboard(), transitions.Options(followers=3))
        for film in range(FILMS):
            kept, all_scores = cut.scores(query(film)), full.scores(query(film))
            followers = np.flatnonzero(kept > 1e-4)
            assert len(followers) <= 3
            assert all_scores[followers].min() >= np.delete(all_scores, followers).max() - 1e-6

    def test_a_later_film_counts_more_than_an_earlier_one(self) -> None:
        model = Transitions.fit(checkerboard())
        fresh, stale = model.scores(query(1, 0)), model.scores(query(0, 1))
        assert fresh[of_colour(0)[3:]].mean() > stale[of_colour(0)[3:]].mean()

    def test_what_follows_a_disliked_film_is_pushed_below_what_nothing_is_known_of(self) -> None:
        scores = Transitions.fit(checkerboard()).scores(query(0, 2, 1, ratings=[5.0, 5.0, 0.5]))
        assert scores[of_colour(1)[1:]].max() < 0
        assert scores[of_colour(0)[3:]].min() > 0

    def test_a_table_that_points_outside_the_vocabulary_is_refused(self, tmp_path: Path) -> None:
        model = Transitions.fit(checkerboard())
        model.table.followers[5] = FILMS
        model.save(tmp_path)
        with pytest.raises(ModelFileError, match="inconsistent"):
            Transitions.load(tmp_path, model.vocabulary)


class TestItemKnn(RankerContract):
    ranker = ItemKnn
    options = item_knn.Options()
    predicts = False

    def test_scores_are_the_cosines_worked_out_by_hand(self) -> None:
        """u liked a, b; v liked a, b, c; w liked a."""
        data = TrainingData.from_columns(list("uuvvvw"), list("ababca"), [5.0] * 6, range(6))
        scores = ItemKnn.fit(data).scores(query(0))
        np.testing.assert_allclose(scores[1:], [2 / np.sqrt(3 * 2), 1 / np.sqrt(3)], rtol=1e-4)
        few = ItemKnn.fit(data, item_knn.Options(neighbours=1))  # a is nearest to b, b to a, and b to c
        np.testing.assert_allclose(few.scores(query(0))[1:], [2 / np.sqrt(3 * 2), 0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(few.scores(query(1))[[0, 2]], [2 / np.sqrt(3 * 2), 1 / np.sqrt(2)], rtol=1e-4)

    def test_the_order_of_a_history_does_not_matter(self) -> None:
        model = ItemKnn.fit(checkerboard())
        np.testing.assert_allclose(model.scores(query(0, 2, 5)), model.scores(query(5, 0, 2)), rtol=1e-5)


class TestEase(RankerContract):
    ranker = Ease
    options = ease.Options(ridge=10.0)
    predicts = False

    def test_weights_are_those_of_the_closed_form(self) -> None:
        rng = np.random.default_rng(7)
        taken = rng.random((30, 12)) < 0.4
        taken[0] = True  # every film occurs
        users, films = np.nonzero(taken)
        data = TrainingData.from_columns(
            [f"{user:02}" for user in users], [f"{film:02}" for film in films], np.full(len(users), 4.0), films
        )
        x = taken.astype(float)
        inverse = np.linalg.inv(x.T @ x + 10 * np.eye(12))
        expected = np.eye(12) - inverse / np.diag(inverse)
        scores = Ease.fit(data, self.options).scores(query(1, 4, 7))
        np.testing.assert_allclose(scores, expected[[1, 4, 7]].sum(axis=0), atol=1e-5)

    def test_films_beyond_the_most_liked_ones_take_no_part(self) -> None:
        data = checkerboard()
        model = Ease.fit(data, replace(self.options, films=10))
        counts = np.bincount(data.items[data.ratings >= 4], minlength=FILMS)
        few = np.argsort(-counts, kind="stable")[10:]
        assert np.diff(model.table.starts)[few].max() == 0
        assert 0 < model.scores(query(*range(8)))[few].max() < 1e-6  # popularity alone


class TestRegression(RankerContract):
    ranker = Regression
    options = regression.Options()
    predicts = True

    def test_without_ratings_there_is_nothing_to_learn(self) -> None:
        with pytest.raises(DataError, match="no rating"):
            Regression.fit(checkerboard().select(np.zeros(len(checkerboard()), bool)))

    def test_a_block_of_features_is_left_out_with_its_data_or_its_weight(self) -> None:
        whole = Regression.fit(checkerboard())
        assert set(whole._blocks.names) == {"genres", "text", "years", "counts", "audience"}  # there are no tags
        without = Regression.fit(checkerboard(vectors=False), regression.Options(years=0.0))
        assert set(without._blocks.names) == {"genres", "counts", "audience"}
        liked = without.scores(query(0, 2))
        assert liked[of_colour(0)[2:]].min() > liked[of_colour(1)].max()
        with pytest.raises(ValueError, match="0 or more"):
            regression.Options(text=-1.0)

    def test_a_film_of_which_only_its_ratings_are_known_pulls_on_no_other(self) -> None:
        data = checkerboard()
        assert data.vectors is not None
        assert data.has_vector is not None
        bare, known, vectors = 4, data.has_vector.copy(), data.vectors.copy()
        known[bare], vectors[bare] = False, 0.0
        only_text = regression.Options(genres=0, tags=0, years=0, counts=0, audience=0)
        model = Regression.fit(replace(data, vectors=vectors, has_vector=known), only_text)
        high, low = model.scores(query(bare, ratings=5.0)), model.scores(query(bare, ratings=0.5))
        np.testing.assert_allclose(np.diff(high), np.diff(low), atol=1e-4)  # moved as one, by the user's own offset
        with_others = model.scores(query(0, 2, 6))
        assert np.isfinite(with_others[bare])

    def test_a_disliked_film_does_not_pull_however_low_it_was_expected_to_be(self) -> None:
        model = Regression.fit(checkerboard())
        model._biases.films[7] = -2.8  # the others like it even less than this user
        like_it, unlike_it = np.setdiff1d(of_colour(1), [7]), of_colour(0)
        before, after = model.scores(Query()), model.scores(query(7, ratings=1.0))
        assert (overtaken(after, like_it, unlike_it) <= overtaken(before, like_it, unlike_it)).all()
        assert (
            after[like_it].mean() - after[unlike_it].mean() <= before[like_it].mean() - before[unlike_it].mean() + 1e-5
        )


class TestSoup(RankerContract):
    ranker = Soup
    options = soup.Options()
    predicts = False

    def test_films_with_the_same_rare_words_come_first(self) -> None:
        films = ["heist-1", "heist-2", "drama-1", "drama-2", "drama-3"]
        genres = dict.fromkeys(films, ("Drama",))
        labels = {
            "keywords": {"heist-1": ("bank",), "heist-2": ("Bank",)},
            "director": {"drama-1": ("Varda",), "drama-3": ("Varda",)},
        }
        data = TrainingData.from_columns(["u"] * 5, films, [4.0] * 5, range(5), genres=genres, labels=labels)
        rows = {film: row for row, film in enumerate(data.vocabulary.ids)}
        for weighting in ("tfidf", "counts"):
            model = Soup.fit(data, soup.Options(weighting=weighting))
            near = np.argsort(-model.scores(query(rows["heist-1"])), kind="stable")
            assert [data.vocabulary.ids[row] for row in near[:2]] == ["heist-1", "heist-2"]
            assert np.argsort(-model.scores(query(rows["drama-1"])), kind="stable")[1] == rows["drama-3"]

    def test_likeness_is_the_cosine_worked_out_by_hand(self) -> None:
        data = TrainingData.from_columns(
            ["u"] * 3, list("abc"), [4.0] * 3, range(3), genres={"a": ("X", "Y"), "b": ("X",), "c": ("Y",)}
        )
        scores = Soup.fit(data, soup.Options(weighting="counts")).scores(query(0))
        np.testing.assert_allclose(scores, [1.0, np.sqrt(0.5), np.sqrt(0.5)], rtol=1e-5)

    def test_words_that_point_nowhere_are_refused(self, tmp_path: Path) -> None:
        model = Soup.fit(checkerboard())
        model._words[3] = 10_000_000
        model.save(tmp_path)
        with pytest.raises(ModelFileError, match="inconsistent"):
            Soup.load(tmp_path, model.vocabulary)


class TestForest(RankerContract):
    ranker = Forest
    options = SMALL_FOREST
    predicts = True

    def test_it_works_without_vectors_and_without_genres(self) -> None:
        data = replace(checkerboard(vectors=False), genres=((),) * FILMS, years=np.zeros(FILMS, np.int64))
        scores = Forest.fit(data, SMALL_FOREST).scores(query(0, 2))
        assert np.isfinite(scores).all()

    def test_films_outside_the_shortlist_stay_behind_it(self) -> None:
        model = Forest.fit(checkerboard(), replace(SMALL_FOREST, shortlist=6))
        scores = model.scores(query(0, 2, 4))
        assert len(set(np.argsort(-scores, kind="stable")[:6]) - set(of_colour(0))) == 0
        assert len(np.unique(scores)) > FILMS // 2

    def test_a_rating_is_never_described_by_itself(self) -> None:
        """Ratings of pure noise: trees that saw their own answers would seem to predict them."""
        rng = np.random.default_rng(5)
        data = checkerboard()
        noise = replace(data, ratings=rng.choice(np.arange(0.5, 5.5, 0.5), len(data)).astype(np.float32))
        described, ratings = forest.training_pairs(noise, SMALL_FOREST)
        names = forest.features_of(noise, SMALL_FOREST).names
        assert described.shape == (len(data), len(names))
        for name in ("offset", "user's offset", "taste", "films rated alike"):
            assert abs(np.corrcoef(described[:, names.index(name)], ratings)[0, 1]) < 0.2, name

    @pytest.mark.parametrize("features", ["labels,user", "text,user", "film,user", "film,user,time"])
    @pytest.mark.parametrize("learner", ["forest", "boosting", "blend"])
    def test_features_and_learner_are_chosen_by_name(self, tmp_path: Path, features: str, learner: str) -> None:
        model = Forest.fit(checkerboard(), replace(SMALL_FOREST, features=features, learner=learner))
        model.save(tmp_path)
        asked, films = query(0, 2, 1, ratings=[5.0, 4.0, 0.5]), np.arange(FILMS)
        again = Forest.load(tmp_path, model.vocabulary)
        np.testing.assert_array_equal(again.predict(asked, films), model.predict(asked, films))

    def test_what_cannot_be_chosen_is_refused_by_its_name(self) -> None:
        for wrong in ({"features": "film,mood"}, {"features": ""}, {"learner": "oracle"}, {"folds": 1}):
            with pytest.raises(ValueError, match=next(iter(wrong))):
                forest.Options(**wrong)  # type: ignore[arg-type]

    def test_of_many_ratings_those_of_some_users_are_learnt_from(self) -> None:
        described, ratings = forest.training_pairs(checkerboard(), replace(SMALL_FOREST, rows=200))
        assert 100 < len(ratings) == len(described) <= 200

    def test_a_low_rating_lifts_no_film_at_all(self) -> None:
        model = Forest.fit(checkerboard(), SMALL_FOREST)
        rng = np.random.default_rng(11)
        for _ in range(40):
            *liked, film = rng.permutation(FILMS)[: rng.integers(1, 8)]
            before = model.scores(query(*liked))
            after = model.scores(query(*liked, film, ratings=[5.0] * len(liked) + [0.5]))
            assert (after <= before + 1e-6).all()

    def test_the_same_seed_grows_the_same_forest(self) -> None:
        first, second = (Forest.fit(checkerboard(), SMALL_FOREST) for _ in range(2))
        np.testing.assert_array_equal(first.scores(query(0, 1)), second.scores(query(0, 1)))

    @pytest.mark.parametrize("kind", ["forest", "boosting"])
    def test_a_tree_whose_links_leave_it_is_refused(self, tmp_path: Path, kind: str) -> None:
        model = Forest.fit(checkerboard(), replace(SMALL_FOREST, learner=kind))
        learned = model._learned.models[kind]
        if kind == "forest":
            tree = learned.estimators_[0].tree_
            links, nodes = (tree.children_left, tree.children_right), tree.node_count
        else:
            tree = learned._predictors[0][0].nodes
            links, nodes = (tree["left"], tree["right"]), len(tree)
        for children, bad in ((links[0], nodes + 7), (links[1], 0)):
            good = children[0]
            children[0] = bad
            model.save(tmp_path)
            with pytest.raises(ModelFileError, match="not a sound"):
                Forest.load(tmp_path, model.vocabulary)
            children[0] = good

    def test_trees_over_other_columns_are_refused(self, tmp_path: Path) -> None:
        model = Forest.fit(checkerboard(), SMALL_FOREST)
        model.save(tmp_path)
        config = json.loads((tmp_path / "config.json").read_text("utf-8"))
        config["options"]["features"] = "film,user"
        (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
        with pytest.raises(ModelFileError, match="7 columns"):
            Forest.load(tmp_path, model.vocabulary)

    def test_an_object_that_is_no_learner_is_refused_before_it_is_made(self, tmp_path: Path) -> None:
        from skops.io import dump

        model = Forest.fit(checkerboard(), SMALL_FOREST)
        model.save(tmp_path)
        dump(Canary(tmp_path / "canary"), tmp_path / "boosting.skops")
        with pytest.raises(ModelFileError, match="which no boosting needs"):
            Forest.load(tmp_path, model.vocabulary)
        assert not (tmp_path / "canary").exists()

    def test_a_file_that_is_no_archive_is_refused(self, tmp_path: Path) -> None:
        model = Forest.fit(checkerboard(), SMALL_FOREST)
        model.save(tmp_path)
        whole = (tmp_path / "boosting.skops").read_bytes()
        for damaged in (b"", b"not a zip", whole[: len(whole) // 2]):
            (tmp_path / "boosting.skops").write_bytes(damaged)
            with pytest.raises(ModelFileError, match="damaged"):
                Forest.load(tmp_path, model.vocabulary)


class Canary:
    """Leaves a file behind when something makes it from a stored state."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __setstate__(self, state: dict[str, str]) -> None:
        Path(state["path"]).touch()


def test_regression_and_forest_agree_that_an_unrated_user_gets_the_films_averages() -> None:
    data = checkerboard()
    model = Regression.fit(data, regression.Options(popularity=0.0))
    predicted = model.predict(Query(), np.arange(FILMS))
    np.testing.assert_allclose(predicted, data.global_mean + model._biases.films, rtol=1e-5)


def test_every_registered_name_is_a_ranker_of_that_name_with_options() -> None:
    for name in RANKERS:
        assert ranker_class(name).name == name
        options_class(name)()  # every option has a default
    with pytest.raises(ModelUnavailable, match="transitions"):
        ranker_class("../../etc")
