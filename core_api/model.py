"""The strategy for long histories: the recommender's model ranks, with the history in the request.

Over-fetches, so that what is filtered away costs no second call; sends candidates only where too few survive. Films
that the model does not know are blended in by their nearness to the user's taste.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice

from core_api import cold
from core_api.cold import KnownFilms
from core_api.neighbours import CannotRank, Neighbours
from core_api.preparation import Preparation
from core_api.rules import Rules
from core_api.selection import Selection
from core_api.settings import CoreSettings
from core_api.wishes import Wish
from indexer.ports import Stores
from indexer.types import History, Scored
from recommender_api.client import HistoryColumns, Ranking, RankQuery, Recommender
from service_kit.deadline import DeadlineExceeded
from service_kit.errors import InvalidRequest, ModelUnavailable, UnknownModel, UpstreamUnavailable

_MOST_RANKED = 10_000  # what a recommender service gives at most
_MOST_CANDIDATES = 40_000  # in a request 360 kB


class ModelStrategy:
    def __init__(
        self,
        stores: Stores,
        recommender: Recommender | None,
        neighbours: Neighbours,
        preparation: Preparation,
        settings: CoreSettings,
    ) -> None:
        self._stores = stores
        self._recommender = recommender
        self._neighbours = neighbours
        self._preparation = preparation
        self._settings = settings
        self._known = KnownFilms()

    def fill(self, selection: Selection, history: History, wish: Wish, needed: int) -> Ranking:
        """Fill the selection with the best films; who ranked them. Raises CannotRank."""
        query = self._query(selection, history, wish, needed)
        ranking = self._rank(query)
        if query.history.ids and set(query.history.ids) <= set(ranking.unknown):
            raise CannotRank("unknown_films")  # the model would only say what is popular
        selection.take(self._with_cold_films(ranking, selection, history, wish, needed), needed)
        if len(selection) < needed and selection.rules.about_films:  # they took too many: rank only what passes them
            candidates = self._passing(selection.rules)
            if candidates:
                again = self._rank(query.model_copy(update={"candidates": candidates, "k": needed}))
                selection.take(_scored(again), needed)
        return ranking

    def _passing(self, rules: Rules) -> tuple[str, ...]:
        passing: Iterable[str] = rules.counts  # with a least number of ratings, only films that have one
        if not rules.min_ratings or not rules.where.empty:
            passing = self._stores.movies.matching(rules.where, _MOST_CANDIDATES)
        found = (id for id in passing if id not in rules.excluded and rules.rated_enough(id))
        return tuple(islice(found, _MOST_CANDIDATES))

    def reasons(
        self, ids: Sequence[str], history: History, wish: Wish, model: str | None, most: int
    ) -> dict[str, tuple[str, ...]]:
        """For each of the films that the model knows up to `most` rated ones that carry it. Raises CannotRank."""
        query = RankQuery(
            history=self._sent(history),
            avoid=tuple(movie_id for movie_id in wish.avoid if movie_id not in ids),
            candidates=tuple(ids),
            k=max(1, len(ids)),
            model=model,
            explain=most,
        )
        return {item.id: item.because for item in self._rank(query).items}

    def check(self, name: str) -> None:
        """Raises InvalidRequest if there is no model of that name, as far as that can be told now."""
        with suppress(CannotRank):
            self._rank(RankQuery(k=1, model=name))

    def _query(self, selection: Selection, history: History, wish: Wish, needed: int) -> RankQuery:
        return RankQuery(
            history=self._sent(history),
            seen=tuple(selection.rules.excluded),
            avoid=wish.avoid,
            k=min(5 * needed + 100 if selection.rules.about_films else needed + 20, _MOST_RANKED),
            model=None if wish.model == "model" else wish.model,
        )

    def _sent(self, history: History) -> HistoryColumns:
        latest = slice(-self._settings.history_sent, None)
        return HistoryColumns(
            ids=history.movie_ids[latest], ratings=history.ratings[latest], timestamps=history.timestamps[latest]
        )

    def _rank(self, query: RankQuery) -> Ranking:
        if self._recommender is None:
            raise CannotRank("no_recommender")
        try:
            return self._recommender.rank(query)
        except UnknownModel as error:
            if not self._preparation.is_training:  # else it may be the very one that is trained now
                raise InvalidRequest(f"model: {error.detail}, or name popular, neighbours or model") from None
            raise CannotRank("model_training") from None
        except ModelUnavailable:
            raise CannotRank("model_training" if self._preparation.is_training else "model_unavailable") from None
        except DeadlineExceeded:
            raise CannotRank("deadline") from None
        except (UpstreamUnavailable, InvalidRequest):  # a service that refuses what we send is of another version
            raise CannotRank("recommender_unavailable") from None

    def _with_cold_films(
        self, ranking: Ranking, selection: Selection, history: History, wish: Wish, needed: int
    ) -> list[Scored]:
        ranked = _scored(ranking)
        if not self._settings.cold_weight:
            return ranked
        try:
            near = self._neighbours.nearest(history, wish.avoid, selection.rules, needed + 20)
            unknown = self._known.unknown(ranking, [film.id for film in near], self._rank)
        except CannotRank:  # nothing liked, no vectors, or the model went away meanwhile: then without
            return ranked
        return cold.blended(ranked, [film.id for film in near], unknown, self._settings.cold_weight)


def _scored(ranking: Ranking) -> list[Scored]:
    return [Scored(item.id, item.score) for item in ranking.items]
