"""What rating models see of films and users, and the ridge that reads it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender_api.biases import fit_biases, surprises_of
from recommender_api.data import TrainingData
from recommender_api.models import forest
from recommender_api.models.base import Query
from recommender_api.models.features.films import film_blocks, genre_flags, tag_flags
from recommender_api.models.features.labels import Labels
from recommender_api.models.features.neighbours import Neighbours
from recommender_api.models.features.pairs import PairFeatures
from recommender_api.models.features.ridge import PENALTIES, best_penalty, ridge
from recommender_api.models.forest import Forest
from recommender_api.models.regression import Regression
from recommender_api.testing.checkerboard import FILMS, checkerboard, of_colour, query


@pytest.mark.parametrize(("films", "dimension"), [(3, 8), (30, 8), (8, 8), (0, 8), (5, 0)])
def test_both_ways_to_solve_the_ridge_agree(films: int, dimension: int) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(films, dimension)), rng.normal(size=films)
    expected = np.linalg.inv(x.T @ x + 2 * np.eye(dimension)) @ x.T @ y
    np.testing.assert_allclose(ridge(x, y, 2.0), expected, rtol=1e-4, atol=1e-6)


def test_words_that_were_not_there_when_fitted_are_ignored_and_counted() -> None:
    labels = Labels.fit([("Action", "crime"), ("Crime ", "", "crime")])
    assert labels.names == ("action", "crime")
    matrix, ignored = labels.encode([("CRIME", "Noir"), (), ("Noir", "Western")])
    np.testing.assert_array_equal(matrix.toarray(), [[0, 1], [0, 0], [0, 0]])
    assert ignored == 3


def test_the_most_frequent_words_are_kept_and_rare_ones_are_none() -> None:
    films = [("a", "b"), ("a", "b"), ("a", "c"), ("d",)]
    assert Labels.fit(films, least=2).names == ("a", "b")
    assert Labels.fit(films, most=1).names == ("a",)


@pytest.mark.parametrize(
    ("model", "options"),
    [(Regression, None), (Forest, forest.Options(rounds=10, folds=2))],
    ids=["regression", "forest"],
)
def test_a_genre_that_no_rated_film_has_is_ignored_and_counted_by_the_models(model, options, tmp_path) -> None:
    data = checkerboard()
    genres = (("White", "Musical"), *data.genres[1:])
    unrated = replace(data, genres=genres).select(data.items != 0)
    flags, ignored = genre_flags(unrated)
    assert (flags.shape, ignored) == ((FILMS, 2), 1)
    fitted = model.fit(unrated, options)
    fitted.save(tmp_path)
    again = model.load(tmp_path, fitted.vocabulary)
    assert fitted.ignored_genres == again.ignored_genres == 1
    assert np.isfinite(again.scores(query(0, 2))).all()


def test_blocks_are_centred_and_as_long_as_their_weight_says() -> None:
    data = checkerboard()
    blocks = film_blocks(data, {"genres": 0.25, "years": 0.0, "text": 1.0})
    assert (blocks.names, blocks.widths) == (("genres", "text"), (2, 8))
    np.testing.assert_allclose(blocks.matrix[data.items].mean(axis=0), 0.0, atol=1e-5)
    black, white = blocks.matrix[1, :2], blocks.matrix[0, :2]
    np.testing.assert_allclose(np.linalg.norm(black - white), 0.5 * np.sqrt(2), rtol=1e-5)
    weights = np.arange(10, dtype=np.float32)
    parts = blocks.parts(np.array([3, 5]), weights)
    np.testing.assert_allclose(parts.sum(axis=1), blocks.matrix[[3, 5]] @ weights, rtol=1e-4)


def test_the_penalty_that_is_chosen_predicts_left_out_ratings_best() -> None:
    """Worked out once more, one user and one rating at a time."""
    data = checkerboard()
    matrix, biases = film_blocks(data, {"genres": 1.0, "text": 1.0}).matrix, fit_biases(data)

    def error(penalty: float) -> float:
        missed = []
        for past in data.histories():
            _, surprises = surprises_of(biases, past.items, past.ratings)
            for left_out in range(len(past.items)):
                others = np.arange(len(past.items)) != left_out
                weights = ridge(matrix[past.items[others]], surprises[others], penalty)
                missed.append(surprises[left_out] - matrix[past.items[left_out]] @ weights)
        return float(np.mean(np.square(missed)))

    assert best_penalty(data, biases, matrix) == min(PENALTIES, key=error)


def test_tags_and_keywords_are_one_language() -> None:
    films = [f"film-{row}" for row in range(6)]
    labels = {"tags": {film: ["Robot"] for film in films[:3]}, "keywords": {film: ["robot"] for film in films[3:]}}
    data = TrainingData.from_columns(["u"] * 6, films, [4.0] * 6, range(6), labels=labels)
    np.testing.assert_array_equal(tag_flags(data), np.ones((6, 1)))


def test_films_that_are_rated_alike_are_neighbours_and_speak_for_each_other() -> None:
    data = checkerboard()
    biases = fit_biases(data)
    table = Neighbours.fit(data, biases)
    for film in range(FILMS):
        near = table.films[film][table.likeness[film] > 0]
        assert film not in near
        assert (near % 2 == film % 2).mean() > 0.9
    liked = table.estimate(of_colour(0)[:3], np.ones(3), np.arange(FILMS))
    assert liked[of_colour(0)[3:], 0].min() > liked[of_colour(1), 0].max()
    nobody = table.estimate(np.zeros(0, np.int64), np.zeros(0), np.arange(FILMS))
    assert (nobody == 0).all()


def test_only_ratings_near_the_time_of_asking_are_a_mood() -> None:
    data = checkerboard()
    features = PairFeatures.fit(data, ["time"], {})
    day = 86_400
    asked = Query(np.array([0, 2]), np.array([5.0, 0.5], np.float32), np.array([0, 100 * day]))
    early, late = features.columns(asked, np.array([4, 4]), np.array([0, 100 * day]))
    hour = features.names.index("within 1 h")
    assert early[hour] > 0 > late[hour]
    np.testing.assert_array_equal(features.columns(asked, np.array([4]))[0], late)
    assert np.isfinite(features.columns(Query(), np.arange(FILMS))).all()
