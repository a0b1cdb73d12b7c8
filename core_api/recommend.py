"""The main use case: which films next? Chooses a strategy by what is known and always answers.

    no history -> popular;  below the threshold -> neighbours;  else -> model

Each falls to the next worse one and says why. Films are over-fetched, looked up and filtered; what is missing comes
from the chart, then from the rest of the catalogue, so that fewer than k come back only when no more films exist.
Several users together are `core_api.group`'s affair.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace

from core_api import boosts
from core_api.cache import AnswerCache
from core_api.diversity import diversified
from core_api.explain import Explain
from core_api.model import ModelStrategy
from core_api.neighbours import CannotRank, Neighbours
from core_api.popular import Popular
from core_api.preparation import Preparation
from core_api.rules import AVOID, EXCLUDE, SEEN, SHOWN, Rules
from core_api.selection import Selection
from core_api.settings import CoreSettings
from core_api.wishes import Answer, Filtered, Item, KeptOut, Wish
from indexer.ports import Stores
from indexer.types import EVERYTHING, History, Scored
from recommender_api.client import Ranking, Recommender

STRATEGIES = ("model", "neighbours", "popular")  # best first
_NO_TIME_S = 0.001
_LIKED = 5.0  # a film in a typed-in sequence is one that the person liked
_NAMED = 5  # films named for each rule that kept some out
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
        self.explain = Explain(stores, self._model, self._neighbours)
        self._settings = settings
        self._clock = clock
        self._cache: AnswerCache[Answer] = AnswerCache(settings.ranking_cache)
        self._look_s = float("inf")

    def for_user(self, user_id: str, wish: Wish) -> Answer:
        """Nothing that the user has rated. An unknown user is one without a history."""
        history, basis, kept = self._look(user_id, wish)
        if kept is not None:
            return kept
        answer = self.for_history(history, wish)
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
        named = tuple(dict.fromkeys((*ids, *wish.avoid, *wish.exclude)))
        found = self._stores.movies.get(named)
        answer = self.for_history(history, wish)
        return replace(answer, unknown=tuple(movie_id for movie_id in named if movie_id not in found))

    def for_history(self, history: History, wish: Wish) -> Answer:
        """The films for one person, in their final order, with all that the wish asks to be told."""
        answer = self.ranked(history, wish)
        items = self.ordered(answer.items, wish)
        if wish.explain:
            ids = [item.movie.id for item in items]
            named = self.explain.because(ids, answer.strategy, answer.model, history, wish)
            items = tuple(replace(item, because=named.get(item.movie.id, ())) for item in items)
        told = replace(answer, items=items)
        if not wish.filtered:
            return told
        free = self.ranked(history, without_rules(wish))
        return replace(told, filtered=self.kept_out(free.items, history, wish))

    def ranked(self, history: History, wish: Wish) -> Answer:
        """The best films that the rules let pass, in the order of whoever ranked them, more than k where `ordered`
        is to choose among them."""
        if wish.model not in (None, *STRATEGIES) and not len(history):
            self._model.check(wish.model or "")
        selection = Selection(self._stores.movies, self.rules(history, wish))
        needed = _depth(wish)
        strategies, reason = self._strategies(history, wish)
        ranking: Ranking | None = None
        for strategy in strategies:
            try:
                if strategy == "model":
                    ranking = self._model.fill(selection, history, wish, needed)
                elif strategy == "neighbours":
                    selection.take(self._neighbours.ranked(history, wish.avoid, selection.rules, needed), needed)
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
            items=tuple(selection.items().values()),
            strategy=strategy,
            model=ranking.model if ranking else None,
            model_version=ranking.version if ranking else None,
            fallback_reason=reason,
            history_length=len(history),
        )

    def rules(self, history: History, wish: Wish) -> Rules:
        kept_out = {SEEN: history.movie_ids, SHOWN: wish.shown, EXCLUDE: wish.exclude, AVOID: wish.avoid}
        return Rules(wish.where, kept_out, wish.min_ratings, self._popular.chart().counts if wish.min_ratings else {})

    def ordered(self, items: Sequence[Item], wish: Wish) -> tuple[Item, ...]:
        """The k films (best first) after boosts, then diversity."""
        found = boosts.boosted(items, dict(wish.boost)) if wish.boost else list(items)
        if wish.diversity:
            by_id = {item.movie.id: item for item in found[: _unlike(wish.k)]}
            vectors = self._stores.vectors.get(list(by_id))
            found = [by_id[movie_id] for movie_id in diversified(list(by_id), vectors, wish.k, wish.diversity)]
        return tuple(found[: wish.k])

    def kept_out(self, free: Sequence[Item], history: History, wish: Wish) -> Filtered:
        """What the rules keep out of the films that are best without them. Rated films are never ranked: they are
        counted whole, the latest named."""
        rules = self.rules(history, wish)
        films: dict[str, list[Item]] = {}
        for item in free:
            if rule := rules.broken_by(item.movie):
                films.setdefault(rule, []).append(item)
        seen = self._stores.movies.get(history.movie_ids[: -_NAMED - 1 : -1])
        told = [KeptOut(SEEN, len(history), tuple(seen.values()))] if len(history) else []
        told += [KeptOut(rule, len(out), tuple(item.movie for item in out[:_NAMED])) for rule, out in films.items()]
        return Filtered(len(free), tuple(told))

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
        return STRATEGIES, None

    def _rest(self, wish: Wish, selection: Selection, needed: int) -> Iterator[Scored]:
        """The catalogue by id. As many more as are taken or excluded, so that enough are left."""
        enough = needed + len(selection.rules.excluded) + len(selection)
        if not wish.min_ratings:  # else only films of the chart have enough
            yield from (Scored(movie_id, 0.0) for movie_id in self._stores.movies.matching(wish.where, enough))

    def _basis(self, history: History) -> Hashable | None:
        """All that an answer depends on beside the user and the wish; None where that cannot be told cheaply."""
        if not self._settings.ranking_cache:
            return None
        models = () if self._recommender is None else self._recommender.version()
        stored = self._stores.version() if models is not None else None
        if stored is None:
            return None
        return hash(history), len(history), stored, models, self._popular.chart().computed_at


def without_rules(wish: Wish) -> Wish:
    """The same wish without any rule, for enough films to tell what the rules do."""
    looked_at = 5 * wish.k + 50
    return Wish(k=looked_at, where=EVERYTHING, model=wish.model)


def _depth(wish: Wish) -> int:
    """How many films must be ranked so that `ordered` can choose k."""
    return boosts.depth(_unlike(wish.k) if wish.diversity else wish.k, dict(wish.boost))


def _unlike(k: int) -> int:
    """Films among which k unlike ones are looked for."""
    return 3 * k + 20
