"""The main use case: which films next? Chooses a strategy by what is known and always answers.

    no history -> popular;  below the threshold -> neighbours;  else -> model

Each falls to the next worse one and says why. Films are over-fetched, looked up and filtered; what is missing comes
from the chart, then from the rest of the catalogue, so that fewer than k come back only when no more films exist.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace

from core_api.cache import RankingCache
from core_api.diversity import diversified
from core_api.explain import reasons
from core_api.fusion import fused
from core_api.model import ModelStrategy
from core_api.neighbours import CannotRank, Neighbours
from core_api.popular import Popular
from core_api.preparation import Preparation
from core_api.selection import Selection
from core_api.settings import CoreSettings
from core_api.wishes import Answer, Item, Wish
from indexer.ports import Stores
from indexer.types import History, Scored
from recommender_api.client import Ranking, Recommender
from recommender_api.http import HttpRecommender

_STRATEGIES = ("model", "neighbours", "popular")  # best first
_NO_TIME_S = 0.001
_LIKED = 5.0  # a film in a typed-in sequence is one that the person liked
# These pass by themselves, so their answers are not kept in the cache.
_PASSING = ("deadline", "recommender_unavailable", "model_unavailable", "model_training")


class Recommend:
    def __init__(
        self,
        stores: Stores,
        recommender: Recommender | None,
        popular: Popular,
        preparation: Preparation,
        settings: CoreSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._stores = stores
        self._recommender = recommender
        self._popular = popular
        self._neighbours = Neighbours(stores, popular, settings.cold_weight)
        self._model = ModelStrategy(stores, recommender, self._neighbours, preparation, settings)
        self._settings = settings
        self._clock = clock
        self._cache: RankingCache[Answer] = RankingCache(settings.ranking_cache)
        self._look_s = float("inf")

    def for_user(self, user_id: str, wish: Wish) -> Answer:
        """Nothing that the user has rated. An unknown user is one without a history."""
        history, basis, kept = self._look(user_id, wish)
        if kept is not None:
            return kept
        answer = self._answer(history, wish)
        if basis is not None and answer.fallback_reason not in _PASSING:
            self._cache.put((user_id, wish), basis, answer)
        return answer

    def kept(self, user_id: str, wish: Wish) -> Answer | None:
        """The answer of `for_user` if it is in memory and still true, and if the store tells so in no time.

        For callers on an event loop: where the last look took a millisecond or more, this one does not look.
        """
        return self._look(user_id, wish)[2] if self._look_s < _NO_TIME_S else None

    def _look(self, user_id: str, wish: Wish) -> tuple[History, Hashable | None, Answer | None]:
        """The user's history, what an answer depends on, and the answer if it is in memory."""
        begun = time.perf_counter()
        history = self._stores.users.history(user_id)
        basis = self._basis(history)
        kept = self._cache.get((user_id, wish), basis) if basis is not None else None
        self._look_s = time.perf_counter() - begun
        return history, basis, kept

    def for_sequence(self, sequence: Sequence[str], wish: Wish) -> Answer:
        """For somebody without an account who liked these films, in this order."""
        ids = tuple(dict.fromkeys(sequence))
        start = int(self._clock()) - len(ids)
        history = History(ids, (_LIKED,) * len(ids), tuple(range(start, start + len(ids))))
        found = self._stores.movies.get(ids)
        answer = self._answer(history, wish)
        return replace(answer, unknown=tuple(movie_id for movie_id in ids if movie_id not in found))

    def for_group(self, user_ids: Sequence[str], wish: Wish) -> Answer:
        """Films that nobody of the group has rated, by the sum of their reciprocal ranks over its members."""
        members = tuple(dict.fromkeys(user_ids))
        histories = [self._stores.users.history(user_id) for user_id in members]
        rated = {movie_id for history in histories for movie_id in history.movie_ids}
        each = replace(wish, k=5 * wish.k + 20, diversity=0.0, explain=False, exclude=(*wish.exclude, *sorted(rated)))
        answers = [self._answer(history, each) for history in histories]
        selection = Selection(self._stores.movies, wish.where, excluded=set())
        selection.take(fused([[item.movie.id for item in answer.items] for answer in answers]), wish.k)
        worst = max(answers, key=lambda answer: _STRATEGIES.index(answer.strategy))
        everything = _joined(histories)
        return replace(worst, items=self._finish(selection, everything, wish), history_length=len(everything))

    def _answer(self, history: History, wish: Wish) -> Answer:
        selection = Selection(self._stores.movies, wish.where, {*history.movie_ids, *wish.exclude, *wish.avoid})
        needed = wish.k if not wish.diversity else 3 * wish.k + 20
        strategies, reason = self._strategies(history, wish)
        ranking: Ranking | None = None
        for strategy in strategies:
            try:
                if strategy == "model":
                    ranking = self._model.fill(selection, history, wish, needed)
                elif strategy == "neighbours":
                    films = self._neighbours.ranked(history, wish.avoid, wish.where, selection.excluded, needed)
                    selection.take(films, needed)
                else:
                    selection.take(self._popular.ranked(wish.where), needed)
                if not selection and strategy != "popular":
                    raise CannotRank("nothing_left")
            except CannotRank as why:
                reason = reason or why.reason
                ranking = None
            else:
                break
        if len(selection) < needed:
            selection.take(self._popular.ranked(wish.where), needed, scored=strategy == "popular")
            selection.take(self._rest(wish, selection, needed), needed, scored=False)
        return Answer(
            items=self._finish(selection, history, wish),
            strategy=strategy,
            model=ranking.model if ranking else None,
            model_version=ranking.version if ranking else None,
            fallback_reason=reason,
            history_length=len(history),
        )

    def _strategies(self, history: History, wish: Wish) -> tuple[Sequence[str], str | None]:
        """Those to try, best first; and why not a better one already."""
        if wish.model == "popular":
            return ("popular",), None
        if not len(history):
            return ("popular",), "no_history"
        if wish.model == "neighbours":
            return ("neighbours", "popular"), None
        if wish.model is None and len(history) < self._settings.model_threshold:
            return ("neighbours", "popular"), None
        return _STRATEGIES, None

    def _rest(self, wish: Wish, selection: Selection, needed: int) -> Iterator[Scored]:
        """The catalogue by id. As many more as are taken or excluded, so that enough are left."""
        enough = needed + len(selection.excluded) + len(selection)
        yield from (Scored(movie_id, 0.0) for movie_id in self._stores.movies.matching(wish.where, enough))

    def _finish(self, selection: Selection, history: History, wish: Wish) -> tuple[Item, ...]:
        items = selection.items()
        if wish.diversity:
            vectors = self._stores.vectors.get(list(items))
            items = {
                movie_id: items[movie_id] for movie_id in diversified(list(items), vectors, wish.k, wish.diversity)
            }
        chosen = list(items.values())[: wish.k]
        return reasons(self._stores, chosen, history) if wish.explain else tuple(chosen)

    def _basis(self, history: History) -> Hashable | None:
        """All that an answer depends on beside the user and the wish; None where that cannot be told cheaply."""
        if not self._settings.ranking_cache or isinstance(self._recommender, HttpRecommender):
            return None  # a service may have gone or changed its model since: only asking tells
        stored = self._stores.version()
        if stored is None:
            return None
        models = () if self._recommender is None else self._recommender.models()
        return (
            hash(history),
            len(history),
            stored,
            tuple((model.name, model.version, model.active) for model in models),
            self._popular.chart().computed_at,
        )


def _joined(histories: Sequence[History]) -> History:
    return History(
        tuple(movie_id for history in histories for movie_id in history.movie_ids),
        tuple(rating for history in histories for rating in history.ratings),
        tuple(timestamp for history in histories for timestamp in history.timestamps),
    )
