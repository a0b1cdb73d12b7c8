"""What every ranker must do. A model's test is a subclass with its class, and options small enough for a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from recommender_api.models.base import Query, Ranker
from recommender_api.testing.checkerboard import FILMS, checkerboard, colour, of_colour, query
from recommender_api.vocabulary import Vocabulary
from recommender_api.weights import ModelFileError


class RankerContract:
    ranker: ClassVar[type[Ranker]]
    options: ClassVar[Any]
    predicts: ClassVar[bool]

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> Ranker:
        return cls.ranker.fit(checkerboard(), cls.options)

    # What it has learned

    def test_unseen_films_of_the_users_colour_come_before_all_of_the_other_colour(self, model: Ranker) -> None:
        data = checkerboard()
        for history in data.histories():
            own = history.user % 2
            scores = model.scores(Query(history.items, history.ratings, history.timestamps))
            unseen = np.setdiff1d(np.arange(FILMS), history.items)
            mine, other = unseen[colour(unseen) == own], unseen[colour(unseen) != own]
            assert scores[mine].min() > scores[other].max(), data.user_ids[history.user]

    @pytest.mark.parametrize("own", [0, 1])
    def test_a_history_is_enough_without_the_user_being_known(self, model: Ranker, own: int) -> None:
        seen, rest = of_colour(own)[:4], of_colour(own)[4:]
        scores = model.scores(query(*seen))
        assert scores[rest].min() > scores[of_colour(1 - own)].max()

    def test_predicted_ratings_tell_the_colours_apart_and_stay_on_the_scale(self, model: Ranker) -> None:
        liked, other = of_colour(0)[:6], of_colour(1)[:2]
        asked = query(*liked, *other, ratings=[5.0] * 6 + [1.0] * 2)
        predicted = model.predict(asked, np.array([22, 23]))
        if not self.predicts:
            assert predicted is None
            return
        assert predicted is not None
        assert predicted.shape == (2,)
        assert predicted[0] > predicted[1] + 1
        everything = model.predict(asked, np.arange(FILMS))
        assert everything is not None
        assert 0.5 <= everything.min() <= everything.max() <= 5.0
        none = model.predict(asked, np.zeros(0, np.int64))
        assert none is not None
        assert none.shape == (0,)

    # What a low rating does

    def test_a_low_rating_lifts_no_film_of_its_kind(self, model: Ranker) -> None:
        for liked in ([0, 2, 4], [1, 3, 5], [0, 2, 1], []):
            before = model.scores(query(*liked))
            for film in (6, 7):
                after = model.scores(query(*liked, film, ratings=[5.0] * len(liked) + [0.5]))
                like_it = np.setdiff1d(of_colour(film % 2), [*liked, film])
                unlike_it = np.setdiff1d(of_colour(1 - film % 2), liked)
                assert (overtaken(after, like_it, unlike_it) <= overtaken(before, like_it, unlike_it)).all()

    def test_changing_five_to_a_half_changes_the_ranking_against_its_kind(self, model: Ranker) -> None:
        high = model.scores(query(0, 2, 4, 1, ratings=[5.0, 5.0, 5.0, 5.0]))
        low = model.scores(query(0, 2, 4, 1, ratings=[5.0, 5.0, 5.0, 0.5]))
        assert list(np.argsort(-high, kind="stable")) != list(np.argsort(-low, kind="stable"))
        like_it, unlike_it = of_colour(1)[1:], of_colour(0)[3:]
        gap_high = high[unlike_it].mean() - high[like_it].mean()
        gap_low = low[unlike_it].mean() - low[like_it].mean()
        assert gap_low > gap_high

    def test_a_film_to_avoid_lifts_no_film_of_its_kind(self, model: Ranker) -> None:
        before, after = model.scores(query(0, 2, 4)), model.scores(query(0, 2, 4, avoid=(1,)))
        like_it, unlike_it = of_colour(1)[1:], of_colour(0)[3:]
        assert (overtaken(after, like_it, unlike_it) <= overtaken(before, like_it, unlike_it)).all()

    # Whatever it is asked

    @pytest.mark.parametrize(
        "asked",
        [
            Query(),
            query(3),
            query(3, ratings=0.0),
            query(3, 3, 3, ratings=[0.5, 5.0, 0.5]),
            query(*range(FILMS), ratings=0.5),
            query(*(list(range(FILMS)) * 100), ratings=4.0),
            query(avoid=(0, 1, 2)),
            query(0, 1, avoid=(0, 1)),
        ],
        ids=["nothing", "one", "zero", "repeated", "all disliked", "2,400 films", "only avoid", "avoid what was liked"],
    )
    def test_scores_are_finite_one_a_film_and_the_same_twice(self, model: Ranker, asked: Query) -> None:
        scores = model.scores(asked)
        assert scores.shape == (FILMS,)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()
        np.testing.assert_array_equal(scores, model.scores(asked))

    def test_scoring_leaves_the_query_as_it_was(self, model: Ranker) -> None:
        asked = query(0, 2, 1, ratings=[5.0, 4.0, 0.5], avoid=(3,))
        model.scores(asked)
        np.testing.assert_array_equal(asked.items, [0, 2, 1])
        np.testing.assert_array_equal(asked.ratings, np.array([5.0, 4.0, 0.5], np.float32))

    # On disk

    def test_a_saved_model_gives_the_same_scores_and_ratings(self, model: Ranker, tmp_path: Path) -> None:
        model.save(tmp_path)
        again = self.ranker.load(tmp_path, model.vocabulary)
        asked = query(0, 2, 1, ratings=[5.0, 4.0, 0.5])
        np.testing.assert_allclose(again.scores(asked), model.scores(asked), rtol=1e-6)
        films = np.arange(FILMS)
        np.testing.assert_equal(again.predict(asked, films), model.predict(asked, films))

    def test_weights_for_another_number_of_films_are_refused_with_both_numbers(
        self, model: Ranker, tmp_path: Path
    ) -> None:
        model.save(tmp_path)
        with pytest.raises(ModelFileError, match=rf"\b{FILMS}\b.*\b{FILMS - 1}\b"):
            self.ranker.load(tmp_path, Vocabulary(model.vocabulary.ids[:-1]))


def overtaken(scores: np.ndarray, films: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each film, how many of the others it lies before."""
    return np.asarray((scores[films][:, None] > scores[others][None, :]).sum(axis=1))
