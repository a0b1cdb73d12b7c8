"""The strategy for short histories: films whose vectors lie near what the user liked. Needs no training.

kNN over a few taste centres (`core_api.taste`) and the head of the chart make a pool; in it nearness and popularity
are added up. `scores` is the same sum over a whole matrix, for the evaluation. Films that nobody has rated yet have
no popularity: they are blended in by nearness alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from core_api import cold, taste
from core_api.popular import Popular
from core_api.rules import Rules
from core_api.taste import Taste, TasteOptions
from indexer.ports import Stores
from indexer.types import History, Scored
from recommender_api.explaining import carriers

# Measured on latest-small, NDCG@10 of the next liked films after 3, 10 and 19 ratings: nearness alone 0.028,
# popularity alone 0.138, with 0.6 0.102, with 1 0.127, with 1.5 0.141, with 2.5 0.149. More would leave little taste.
POPULARITY_WEIGHT = 1.5
_NEAREST = 100  # of the pool; 1,000 find hardly more
_HEAD = 100  # of the chart, in the pool
_EXPLAINED = 30  # latest liked films that are tried as reasons, a millisecond each


class CannotRank(Exception):
    """A strategy has nothing to say here; `reason` is a stable slug."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def scores(
    ratings: np.ndarray,
    rated: np.ndarray,
    vectors: np.ndarray,
    prior: np.ndarray,
    options: TasteOptions = taste.DEFAULT,
) -> np.ndarray:
    """(N,) float32 for films with vectors (N, D) and `popular.familiarity` (N,), given a history, oldest first:
    its ratings (T,) and the vectors of its films (T, D). Popularity alone where nothing was liked."""
    liking = taste.taste(rated, taste.leanings(ratings, options), options)
    near = 0.0 if liking is None else taste.scores(liking, vectors, options)
    return np.asarray(near + POPULARITY_WEIGHT * prior, np.float32)


class Neighbours:
    def __init__(
        self, stores: Stores, popular: Popular, cold_weight: float, options: TasteOptions = taste.DEFAULT
    ) -> None:
        self._stores = stores
        self._popular = popular
        self._cold_weight = cold_weight
        self._options = options

    def ranked(self, history: History, avoid: Sequence[str], rules: Rules, k: int) -> list[Scored]:
        """At least the k best films, best first, if so many have vectors. Raises CannotRank."""
        prior = self._popular.chart().prior
        best = (film.id for film in self._popular.ranked(rules.where) if rules.rated_enough(film.id))
        head = [movie_id for movie_id in islice(best, _HEAD) if movie_id not in rules.excluded]
        near = self._near(history, avoid, rules, max(_NEAREST, k), head)
        films = [Scored(film.id, film.score + POPULARITY_WEIGHT * prior[film.id]) for film in near if film.id in prior]
        if not films:  # nobody has rated any of them
            return near
        films.sort(key=lambda film: (-film.score, film.id))
        order = [film.id for film in near]
        return cold.blended(films, order, [movie_id for movie_id in order if movie_id not in prior], self._cold_weight)

    def nearest(self, history: History, avoid: Sequence[str], rules: Rules, k: int) -> list[Scored]:
        """The k films nearest to the taste, whatever others think of them. Raises CannotRank."""
        return self._near(history, avoid, rules, k, [])[:k]

    def _near(self, history: History, avoid: Sequence[str], rules: Rules, k: int, more: Sequence[str]) -> list[Scored]:
        """The nearest k, and the films of `more`, by their exact score."""
        liking = self._taste(history, avoid)
        wanted = 5 * k + 100 if rules.min_ratings else k  # how often a film was rated is not in its vector's index
        near = self._stores.vectors.nearest(liking.centres, wanted, rules.where, rules.excluded)
        found = [film.id for film in near if rules.rated_enough(film.id)][:k]
        vectors = self._stores.vectors.get(list(dict.fromkeys([*found, *more])))
        if not vectors:
            return []
        values = taste.scores(liking, np.stack(list(vectors.values())), self._options).tolist()
        films = [Scored(movie_id, value) for movie_id, value in zip(vectors, values, strict=True)]
        return sorted(films, key=lambda film: (-film.score, film.id))

    def reasons(
        self, ids: Sequence[str], history: History, avoid: Sequence[str], most: int
    ) -> dict[str, tuple[str, ...]]:
        """For each of the films that have vectors up to `most` liked ones that carry it: how far its score falls when
        each of the latest is left out. Raises CannotRank."""
        felt = self._felt(history)
        liked = [movie_id for movie_id, value in felt.items() if value > 0][-_EXPLAINED:]
        shorter = [self._felt(_without(history, movie_id)) for movie_id in liked]
        needed = dict.fromkeys(id for each in ([*felt, *avoid, *ids], *shorter) for id in each)
        vectors = self._stores.vectors.get(list(needed))
        known = [movie_id for movie_id in ids if movie_id in vectors]
        if not known or not liked:
            return {}
        films = np.stack([vectors[movie_id] for movie_id in known])  # (N, D)
        whole = self._nearness(felt, avoid, vectors, films)
        drops = [whole - self._nearness(left, avoid, vectors, films) for left in shorter]
        chosen = carriers(np.stack(drops, axis=1), most)
        return {movie_id: tuple(liked[column] for column in best) for movie_id, best in zip(known, chosen, strict=True)}

    def _nearness(
        self, felt: Mapping[str, float], avoid: Sequence[str], vectors: Mapping[str, np.ndarray], films: np.ndarray
    ) -> np.ndarray:
        """(N,) float32 for films (N, D); 0 where nothing was liked."""
        liking = self._taste_of(felt, avoid, vectors)
        return np.zeros(len(films), np.float32) if liking is None else taste.scores(liking, films, self._options)

    def _taste(self, history: History, avoid: Sequence[str]) -> Taste:
        felt = self._felt(history)
        if not any(value > 0 for value in felt.values()):
            raise CannotRank("nothing_liked")
        found = self._taste_of(felt, avoid, self._stores.vectors.get(list(dict.fromkeys([*felt, *avoid]))))
        if found is None:
            raise CannotRank("no_vectors")
        return found

    def _felt(self, history: History) -> dict[str, float]:
        """The latest films that were liked or disliked, and how much."""
        leaning = taste.leanings(history.ratings, self._options).tolist()
        felt = [(movie_id, value) for movie_id, value in zip(history.movie_ids, leaning, strict=True) if value]
        return dict(felt[-self._options.latest :])

    def _taste_of(
        self, felt: Mapping[str, float], avoid: Sequence[str], vectors: Mapping[str, np.ndarray]
    ) -> Taste | None:
        known = [(vectors[movie_id], value) for movie_id, value in felt.items() if movie_id in vectors]
        matrix = np.array([vector for vector, _ in known])
        found = taste.taste(matrix, np.array([value for _, value in known], np.float32), self._options)
        avoided = [vectors[movie_id] for movie_id in avoid if movie_id in vectors]
        if found is None or not avoided:
            return found
        return replace(found, disliked=np.array([*found.disliked, *avoided]))


def _without(history: History, movie_id: str) -> History:
    place = history.movie_ids.index(movie_id)
    before, after = slice(None, place), slice(place + 1, None)
    return History(
        history.movie_ids[before] + history.movie_ids[after],
        history.ratings[before] + history.ratings[after],
        history.timestamps[before] + history.timestamps[after],
    )
