"""Recommend from one film: first films that share a genre with it, ranked by keywords and by what the user would think.

    candidates   films of its genres that the user has not rated
    keywords     `soup` of the recommender ranks them by their likeness to the film
    taste        the best of those are ranked once more by the rating that the user would give, as a model predicts it
    together     both rankings fused by places (`core_api.fusion`)

Without a history the keywords answer alone. Where the recommender cannot, nearness of vectors does (`core_api.similar`)
and the reason is told. What is missing to k comes from films of other genres.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from core_api.fusion import fused
from core_api.neighbours import CannotRank
from core_api.popular import Popular
from core_api.preparation import Preparation
from core_api.rules import EXCLUDE, SEEN, Rules
from core_api.selection import Selection
from core_api.settings import CoreSettings
from core_api.similar import Similar
from core_api.wishes import Wish
from indexer.ports import Stores
from indexer.types import EVERYTHING, History, Movie, MovieFilter, Scored
from recommender_api.client import HistoryColumns, PredictQuery, RankQuery, Recommender
from service_kit.deadline import DeadlineExceeded
from service_kit.errors import InvalidRequest, ModelUnavailable, NotFound, UpstreamUnavailable

KEYWORDS = "soup"
_LIKED = 5.0  # the film that is asked from, as a history of one
_MOST_CANDIDATES = 40_000  # in a request 360 kB
_POOL = 100  # films by keywords that are ranked by taste, too


@dataclass(frozen=True, slots=True)
class FromFilm:
    items: tuple[tuple[Movie, float], ...]  # best first, with a score whose order alone means something
    strategy: str  # model, neighbours
    models: tuple[str, ...]  # that ranked
    fallback_reason: str | None
    history_length: int


class RecommendFromFilm:
    def __init__(
        self,
        stores: Stores,
        recommender: Recommender | None,
        popular: Popular,
        similar: Similar,
        preparation: Preparation,
        settings: CoreSettings,
    ) -> None:
        self._stores = stores
        self._recommender = recommender
        self._popular = popular
        self._similar = similar
        self._preparation = preparation
        self._settings = settings

    def to(self, movie_id: str, user_id: str | None, wish: Wish) -> FromFilm:
        """k films, nothing that the user has rated. Raises NotFound for a film that is not in the catalogue."""
        film = self._stores.movies.get([movie_id]).get(movie_id)
        if film is None:
            raise NotFound(f"film {movie_id} is not in the catalogue")
        history = self._stores.users.history(user_id) if user_id is not None else History()
        counts = self._popular.chart().counts if wish.min_ratings else {}
        kept_out = {EXCLUDE: (movie_id, *wish.exclude), SEEN: history.movie_ids}
        selection = Selection(self._stores.movies, Rules(wish.where, kept_out, wish.min_ratings, counts))
        reason = "no_history" if user_id is not None and not len(history) else None
        try:
            models = self._by_models(selection, film, history, wish.k)
        except CannotRank as why:
            near = self._similar.to(movie_id, replace(wish, exclude=(*wish.exclude, *history.movie_ids)))
            return FromFilm(near.items, "neighbours", (), why.reason, len(history))
        if len(selection) < wish.k:  # what nobody has rated is unknown to models
            near = self._similar.to(movie_id, replace(wish, exclude=(*wish.exclude, *history.movie_ids)))
            selection.take((Scored(other.id, 0.0) for other, _ in near.items), wish.k, scored=False)
        items = tuple((item.movie, item.score) for item in selection.items().values())
        return FromFilm(items, "model", models, reason, len(history))

    def _by_models(self, selection: Selection, film: Movie, history: History, k: int) -> tuple[str, ...]:
        """Fill the selection; which models ranked. Raises CannotRank before anything is taken."""
        rules, pool = selection.rules, max(_POOL, 3 * k)
        models: tuple[str, ...] = (KEYWORDS,)
        if film.genres:
            kin = self._stores.movies.matching(MovieFilter(genres=frozenset(film.genres)), _MOST_CANDIDATES)
            alike = self._by_keywords(film, rules, pool, kin)
            ranked, models = self._with_taste(alike, history)
            selection.take(ranked, k)
        if len(selection) < k:
            selection.take(self._by_keywords(film, rules, pool, None), k, scored=not selection)
        return models

    def _by_keywords(self, film: Movie, rules: Rules, pool: int, candidates: Sequence[str] | None) -> list[Scored]:
        if candidates is not None:
            candidates = tuple(id for id in candidates if id not in rules.excluded and rules.rated_enough(id))
        if rules.where != EVERYTHING:
            passing = self._stores.movies.matching(rules.where, _MOST_CANDIDATES)
            candidates = passing if candidates is None else sorted(set(candidates).intersection(passing))
        query = RankQuery(
            history=HistoryColumns(ids=(film.id,), ratings=(_LIKED,), timestamps=(0,)),
            seen=tuple(rules.excluded) if candidates is None else (),
            candidates=None if candidates is None else tuple(candidates),
            k=pool,
            model=KEYWORDS,
        )
        recommender = self._answering()
        with _told(self._preparation):
            ranking = recommender.rank(query)
        if film.id in ranking.unknown:
            raise CannotRank("unknown_films")
        return [Scored(item.id, item.score) for item in ranking.items]

    def _with_taste(self, alike: Sequence[Scored], history: History) -> tuple[list[Scored], tuple[str, ...]]:
        """The films by likeness and predicted rating together; by likeness alone where no rating can be predicted."""
        latest = slice(-self._settings.history_sent, None)
        columns = HistoryColumns(
            ids=history.movie_ids[latest], ratings=history.ratings[latest], timestamps=history.timestamps[latest]
        )
        ids = tuple(film.id for film in alike)
        if not len(history) or not ids:
            return list(alike), (KEYWORDS,)
        query = PredictQuery(history=columns, items=ids, model=self._settings.rating_model)
        try:
            with _told(self._preparation):
                predicted = self._answering().predict(query)
        except CannotRank:
            return list(alike), (KEYWORDS,)
        if set(columns.ids) <= set(predicted.unknown):
            return list(alike), (KEYWORDS,)
        by_rating = [item.id for item in sorted(predicted.items, key=lambda item: (-item.rating, item.id))]
        return fused([ids, by_rating]), (KEYWORDS, predicted.model)

    def _answering(self) -> Recommender:
        if self._recommender is None:
            raise CannotRank("no_recommender")
        return self._recommender


@contextmanager
def _told(preparation: Preparation) -> Iterator[None]:
    """Errors of the recommender become the reason why it cannot rank."""
    try:
        yield
    except ModelUnavailable:
        raise CannotRank("model_training" if preparation.is_training else "model_unavailable") from None
    except DeadlineExceeded:
        raise CannotRank("deadline") from None
    except (UpstreamUnavailable, InvalidRequest):  # a service that refuses what we send is of another version
        raise CannotRank("recommender_unavailable") from None
