"""The strategy for short histories: films whose vectors lie near what the user liked. Needs no training.

kNN over a few taste centres (`core_api.taste`) and the head of the chart make a pool; in it nearness and popularity
are added up. `scores` is the same sum over a whole matrix, for the evaluation. Films that nobody has rated yet have
no popularity: they are blended in by nearness alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from core_api import cold, taste
from core_api.popular import Popular
from core_api.taste import Taste, TasteOptions
from indexer.ports import Stores
from indexer.types import History, MovieFilter, Scored

# Measured on latest-small, NDCG@10 of the next liked films after 3, 10 and 19 ratings: nearness alone 0.028,
# popularity alone 0.138, with 0.6 0.102, with 1 0.127, with 1.5 0.141, with 2.5 0.149. More would leave little taste.
POPULARITY_WEIGHT = 1.5
_NEAREST = 100  # of the pool; 1,000 find hardly more
_HEAD = 100  # of the chart, in the pool


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

    def ranked(
        self, history: History, avoid: Sequence[str], where: MovieFilter, exclude: Collection[str], k: int
    ) -> list[Scored]:
        """At least the k best films, best first, if so many have vectors. Raises CannotRank."""
        prior = self._popular.chart().prior
        head = [film.id for film in islice(self._popular.ranked(where), _HEAD) if film.id not in exclude]
        near = self._near(history, avoid, where, exclude, max(_NEAREST, k), head)
        films = [Scored(film.id, film.score + POPULARITY_WEIGHT * prior[film.id]) for film in near if film.id in prior]
        if not films:  # nobody has rated any of them
            return near
        films.sort(key=lambda film: (-film.score, film.id))
        order = [film.id for film in near]
        return cold.blended(films, order, [movie_id for movie_id in order if movie_id not in prior], self._cold_weight)

    def nearest(
        self, history: History, avoid: Sequence[str], where: MovieFilter, exclude: Collection[str], k: int
    ) -> list[Scored]:
        """The k films nearest to the taste, whatever others think of them. Raises CannotRank."""
        return self._near(history, avoid, where, exclude, k, [])[:k]

    def _near(
        self,
        history: History,
        avoid: Sequence[str],
        where: MovieFilter,
        exclude: Collection[str],
        k: int,
        more: Sequence[str],
    ) -> list[Scored]:
        """The nearest k, and the films of `more`, by their exact score."""
        liking = self._taste(history, avoid)
        found = [film.id for film in self._stores.vectors.nearest(liking.centres, k, where, exclude)]
        vectors = self._stores.vectors.get(list(dict.fromkeys([*found, *more])))
        if not vectors:
            return []
        values = taste.scores(liking, np.stack(list(vectors.values())), self._options).tolist()
        films = [Scored(movie_id, value) for movie_id, value in zip(vectors, values, strict=True)]
        return sorted(films, key=lambda film: (-film.score, film.id))

    def _taste(self, history: History, avoid: Sequence[str]) -> Taste:
        leaning = taste.leanings(history.ratings, self._options).tolist()
        felt = [(movie_id, value) for movie_id, value in zip(history.movie_ids, leaning, strict=True) if value]
        felt = felt[-self._options.latest :]
        if not any(value > 0 for _, value in felt):
            raise CannotRank("nothing_liked")
        vectors = self._stores.vectors.get(list(dict.fromkeys([*(movie_id for movie_id, _ in felt), *avoid])))
        known = [(vectors[movie_id], value) for movie_id, value in felt if movie_id in vectors]
        matrix = np.array([vector for vector, _ in known])
        found = taste.taste(matrix, np.array([value for _, value in known], np.float32), self._options)
        if found is None:
            raise CannotRank("no_vectors")
        avoided = [vectors[movie_id] for movie_id in avoid if movie_id in vectors]
        return replace(found, disliked=np.array([*found.disliked, *avoided])) if avoided else found
