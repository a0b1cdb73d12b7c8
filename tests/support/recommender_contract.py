"""What a Recommender must do, wherever it runs. The engine's and the HTTP client's tests are subclasses.

A subclass gives `recommender`, over the models that `stored_models` wrote: transitions (active) and regression.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from recommender_api.client import HistoryColumns, PredictQuery, RankQuery, Recommender
from recommender_api.model_files import activate, save_version
from recommender_api.models.regression import Regression
from recommender_api.models.transitions import Transitions
from recommender_api.testing.checkerboard import FILMS, checkerboard, film_ids
from service_kit.errors import InvalidRequest, UnknownModel

IDS = film_ids()


def store_models(models_dir: Path) -> None:
    """Two models on the checkerboard, transitions active."""
    active = save_version(
        models_dir, Transitions.fit(checkerboard()), {"validation_ndcg@10": 0.5}, {"name": "everything"}
    )
    save_version(models_dir, Regression.fit(checkerboard()), {"validation_ndcg@10": 0.25})
    activate(models_dir, active.name, active.version)


def history(*rows: int, ratings: float | list[float] = 5.0) -> HistoryColumns:
    values = ratings if isinstance(ratings, list) else [ratings] * len(rows)
    return HistoryColumns(
        ids=tuple(IDS[row] for row in rows), ratings=tuple(values), timestamps=tuple(range(1, len(rows) + 1))
    )


class RecommenderContract:
    def test_the_best_come_first_and_are_of_the_users_colour(self, recommender: Recommender) -> None:
        ranking = recommender.rank(RankQuery(history=history(0, 2, 4), k=5))
        assert len(ranking.items) == 5
        assert all(IDS.index(item.id) % 2 == 0 for item in ranking.items)
        scores = [item.score for item in ranking.items]
        assert scores == sorted(scores, reverse=True)
        assert ranking.model == "transitions"
        assert ranking.version
        assert ranking.unknown == ()

    def test_seen_avoided_and_rated_films_never_come_back(self, recommender: Recommender) -> None:
        query = RankQuery(history=history(0), seen=(IDS[2], IDS[3]), avoid=(IDS[4],), k=FILMS)
        ranked = {item.id for item in recommender.rank(query).items}
        assert ranked == set(IDS) - {IDS[0], IDS[2], IDS[3], IDS[4]}

    def test_only_candidates_are_ranked_and_each_once(self, recommender: Recommender) -> None:
        query = RankQuery(history=history(0), candidates=(IDS[7], IDS[2], IDS[0], IDS[7]), k=10)
        assert [item.id for item in recommender.rank(query).items] == [IDS[2], IDS[7]]

    def test_no_candidates_are_not_the_same_as_all(self, recommender: Recommender) -> None:
        assert recommender.rank(RankQuery(history=history(0), candidates=(), k=10)).items == ()

    def test_fewer_than_k_only_when_no_more_exist(self, recommender: Recommender) -> None:
        assert len(recommender.rank(RankQuery(history=history(0), k=1000)).items) == FILMS - 1
        assert recommender.rank(RankQuery(seen=tuple(IDS), k=10)).items == ()

    def test_the_first_k_do_not_depend_on_k(self, recommender: Recommender) -> None:
        whole = recommender.rank(RankQuery(history=history(0, 3), k=FILMS)).items
        for k in (1, 2, 7, FILMS - 2):
            assert recommender.rank(RankQuery(history=history(0, 3), k=k)).items == whole[:k]

    def test_nothing_known_of_a_user_is_answered_too(self, recommender: Recommender) -> None:
        assert len(recommender.rank(RankQuery(k=10)).items) == 10

    def test_unknown_ids_are_skipped_and_named_once(self, recommender: Recommender) -> None:
        strange = HistoryColumns(ids=("new-1", IDS[0], "new-1"), ratings=(5.0, 5.0, 0.5), timestamps=(1, 2, 3))
        query = RankQuery(history=strange, seen=("new-2",), avoid=("new-3",), candidates=("new-4", IDS[2]), k=3)
        ranking = recommender.rank(query)
        assert sorted(ranking.unknown) == ["new-1", "new-2", "new-3", "new-4"]
        assert [item.id for item in ranking.items] == [IDS[2]]
        known = RankQuery(history=history(0), candidates=(IDS[2],), k=3)
        assert ranking.items == recommender.rank(known).items

    def test_a_half_star_instead_of_five_changes_the_ranking(self, recommender: Recommender) -> None:
        high = recommender.rank(RankQuery(history=history(0, 1), k=FILMS))
        low = recommender.rank(RankQuery(history=history(0, 1, ratings=[5.0, 0.5]), k=FILMS))
        assert [item.id for item in high.items] != [item.id for item in low.items]

    @pytest.mark.parametrize("model", ["transitions", "regression"])
    def test_a_reason_is_a_film_without_which_the_score_is_lower(self, recommender: Recommender, model: str) -> None:
        rows, stars = [0, 2, 4, 1, 6], [5.0, 5.0, 4.5, 1.0, 5.0]
        query = RankQuery(history=history(*rows, ratings=stars), k=5, model=model)
        ranking = recommender.rank(query.model_copy(update={"explain": 2}))
        assert [item.id for item in ranking.items] == [item.id for item in recommender.rank(query).items]
        assert any(item.because for item in ranking.items)
        for item in ranking.items:
            assert len(item.because) <= 2
            assert IDS[1] not in item.because  # it was disliked
            for reason in item.because:
                place = [IDS[row] for row in rows].index(reason)
                shorter = history(*rows[:place], *rows[place + 1 :], ratings=stars[:place] + stars[place + 1 :])
                alone = RankQuery(history=shorter, candidates=(item.id,), k=1, model=model)
                assert recommender.rank(alone).items[0].score < item.score
        assert all(item.because == () for item in recommender.rank(RankQuery(k=5, model=model, explain=2)).items)

    def test_a_stored_model_can_be_named(self, recommender: Recommender) -> None:
        ranking = recommender.rank(RankQuery(history=history(0, 2), k=3, model="regression"))
        assert ranking.model == "regression"
        assert recommender.rank(RankQuery(k=3)).model == "transitions"

    def test_a_model_that_is_not_there_is_unavailable(self, recommender: Recommender) -> None:
        for name in ("forest", "no-such", "../transitions", ""):
            with pytest.raises(UnknownModel, match="there are: regression, transitions"):
                recommender.rank(RankQuery(model=name))

    def test_predictions_come_in_the_order_asked_without_unknown_films(self, recommender: Recommender) -> None:
        taste = history(0, 2, 4, 1, ratings=[5.0, 5.0, 5.0, 1.0])
        items = (IDS[9], "new", IDS[8])
        answer = recommender.predict(PredictQuery(history=taste, items=items, model="regression"))
        assert [item.id for item in answer.items] == [IDS[9], IDS[8]]
        assert answer.items[1].rating > answer.items[0].rating
        assert answer.unknown == ("new",)
        assert answer.model == "regression"

    def test_a_model_that_only_ranks_says_so(self, recommender: Recommender) -> None:
        with pytest.raises(InvalidRequest, match="does not predict"):
            recommender.predict(PredictQuery(items=(IDS[0],)))

    def test_the_active_model_comes_first_with_its_metrics(self, recommender: Recommender) -> None:
        first, *rest = recommender.models()
        assert (first.name, first.active, first.problem) == ("transitions", True, None)
        assert first.metrics == {"validation_ndcg@10": 0.5}
        assert not any(info.active for info in rest)

    def test_reload_changes_nothing_when_nothing_is_new(self, recommender: Recommender) -> None:
        before = recommender.models()[0]
        assert recommender.reload()[0] == before
