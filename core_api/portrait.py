"""A person's taste in a few facts: what draws them, what does not fit, where they differ from others, what comes next.

For `marquee report`. Numbers only: how it looks is the business of whoever draws it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from core_api.recommend import Recommend
from core_api.taste import TasteOptions, leanings, taste
from core_api.wishes import Answer, Wish
from indexer import statistics
from indexer.ports import Stores
from indexer.types import Movie
from service_kit.errors import NotFound

_ALL = TasteOptions(latest=2000)  # a portrait looks at the whole history, an answer at its latest part
_EXAMPLES = 4  # films that a cluster is shown by
_ODD = 4  # films of each kind that do not fit
_WIDELY_RATED = 20  # ratings from which on "what others think" means something
_AGAINST = 1.0  # stars from the others' mean that are worth telling
_RATIO_PRIOR = 3.0  # films of each genre that everybody is taken to have liked, so that one film makes no taste


@dataclass(frozen=True, slots=True)
class Cluster:
    """Liked films that lie together, the nearest to their middle first."""

    genres: tuple[str, ...]  # what sets it apart from the person's other films, most first
    films: tuple[Movie, ...]
    size: int
    share: float  # of all that was liked


@dataclass(frozen=True, slots=True)
class Opinion:
    film: Movie
    rating: float
    others: float  # their mean


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A rated film on the map: the plane in which the person's films differ most."""

    film: Movie
    rating: float
    x: float  # -1 to 1
    y: float
    cluster: int | None  # its place among the clusters; None for a film that was not liked


@dataclass(frozen=True, slots=True)
class Portrait:
    user_id: str
    films: int
    mean: float
    stars: Mapping[float, int]  # ratings of each half star
    decades: Mapping[int, int]
    genres: tuple[tuple[str, float], ...]  # and how much more often it is liked than it is in the catalogue's ratings
    clusters: tuple[Cluster, ...] = ()
    points: tuple[Point, ...] = ()
    outliers: tuple[Movie, ...] = ()  # liked, and like nothing else that was liked
    above: tuple[Opinion, ...] = ()
    below: tuple[Opinion, ...] = ()
    next: Answer | None = field(default=None)


def portrait(stores: Stores, recommend: Recommend, user_id: str, k: int = 10) -> Portrait:
    """Raises NotFound for a user without ratings. Without vectors there are no clusters and no map."""
    history = stores.users.history(user_id)
    films = stores.movies.get(history.movie_ids)
    known = [place for place, movie_id in enumerate(history.movie_ids) if movie_id in films]
    if not known:
        raise NotFound(f"user {user_id} has rated no film of the catalogue: a report needs some ratings")
    rated = [films[history.movie_ids[place]] for place in known]
    stars = np.array([history.ratings[place] for place in known], np.float32)  # (T,)
    leaning = leanings(history.ratings, _ALL)[known]
    above, below = _against_others(stores, rated, stars)
    clusters, points, outliers = _map(stores, rated, stars, leaning)
    return Portrait(
        user_id,
        len(history),
        float(stars.mean()),
        dict(sorted(Counter(float(np.floor(2 * star + 0.5) / 2) for star in stars).items())),
        dict(sorted(Counter(10 * (film.year // 10) for film in rated if film.year).items())),
        _favourite_genres(rated, leaning),
        clusters,
        points,
        outliers,
        above,
        below,
        recommend.for_user(user_id, Wish(k=k, explain=True)),
    )


def _favourite_genres(rated: Sequence[Movie], leaning: np.ndarray) -> tuple[tuple[str, float], ...]:
    """Genres by how much more often the person's films of them are liked than their films are on the whole."""
    liked = float((leaning > 0).mean())
    if liked == 0:
        return ()
    seen = Counter(genre for film in rated for genre in film.genres)
    good = Counter(genre for film, lean in zip(rated, leaning, strict=True) if lean > 0 for genre in film.genres)
    rates = {
        genre: (good[genre] + _RATIO_PRIOR * liked) / (count + _RATIO_PRIOR) / liked for genre, count in seen.items()
    }
    return tuple(sorted(rates.items(), key=lambda rate: (-rate[1], rate[0])))


def _against_others(
    stores: Stores, rated: Sequence[Movie], stars: np.ndarray
) -> tuple[tuple[Opinion, ...], tuple[Opinion, ...]]:
    found = statistics.read(stores)
    if found is None:
        return (), ()
    means = {
        movie_id: mean
        for movie_id, mean, count in zip(found.movie_ids, found.means, found.counts, strict=True)
        if count >= _WIDELY_RATED
    }
    opinions = [
        Opinion(film, float(star), means[film.id]) for film, star in zip(rated, stars, strict=True) if film.id in means
    ]
    by_difference = sorted(opinions, key=lambda opinion: (opinion.others - opinion.rating, opinion.film.id))
    above = [opinion for opinion in by_difference if opinion.rating - opinion.others >= _AGAINST]
    below = [opinion for opinion in reversed(by_difference) if opinion.others - opinion.rating >= _AGAINST]
    return tuple(above[:_ODD]), tuple(below[:_ODD])


def _map(
    stores: Stores, rated: Sequence[Movie], stars: np.ndarray, leaning: np.ndarray
) -> tuple[tuple[Cluster, ...], tuple[Point, ...], tuple[Movie, ...]]:
    vectors = stores.vectors.get([film.id for film in rated])
    placed = [at for at, film in enumerate(rated) if film.id in vectors]
    if len(placed) < 3:
        return (), (), ()
    matrix = np.stack([vectors[rated[at].id] for at in placed])  # (T, D)
    films, stars, leaning = [rated[at] for at in placed], stars[placed], leaning[placed]
    found = taste(matrix, leaning, _ALL)
    plane = _plane(matrix)  # (T, 2)
    if found is None:
        return (), tuple(_point(film, star, xy, None) for film, star, xy in zip(films, stars, plane, strict=True)), ()
    nearness = matrix @ found.centres.T  # (T, Q)
    belongs = np.where(leaning > 0, nearness.argmax(axis=1), -1)  # (T,)
    order = np.argsort(-np.bincount(belongs[belongs >= 0], minlength=len(found.centres)), kind="stable")
    clusters = [_cluster(films, nearness[:, centre], belongs == centre, belongs >= 0) for centre in order]
    place = {int(centre): at for at, centre in enumerate(order)}
    points = [
        _point(film, star, xy, place.get(int(centre)))
        for film, star, xy, centre in zip(films, stars, plane, belongs, strict=True)
    ]
    return tuple(cluster for cluster in clusters if cluster.size), tuple(points), _outliers(films, matrix, belongs >= 0)


def _cluster(films: Sequence[Movie], nearness: np.ndarray, inside: np.ndarray, liked: np.ndarray) -> Cluster:
    members = np.flatnonzero(inside)
    nearest = members[np.argsort(-nearness[members], kind="stable")]
    kinds = [film.genres for film in films]
    genres = _distinctive([kinds[int(at)] for at in members], [kinds[int(at)] for at in np.flatnonzero(liked)])
    return Cluster(
        genres, tuple(films[int(at)] for at in nearest[:_EXAMPLES]), len(members), len(members) / int(liked.sum())
    )


def _distinctive(inside: Sequence[Sequence[str]], overall: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Genres that are common here and rarer elsewhere: share here, times the share's ratio."""
    here, there = (Counter(genre for genres in part for genre in genres) for part in (inside, overall))
    if not inside:
        return ()
    weight = {
        genre: (count / len(inside)) ** 2 / ((there[genre] + _RATIO_PRIOR) / len(overall))
        for genre, count in here.items()
    }
    return tuple(sorted(weight, key=lambda genre: (-weight[genre], genre))[:2])


def _outliers(films: Sequence[Movie], matrix: np.ndarray, liked: np.ndarray) -> tuple[Movie, ...]:
    """Liked films whose nearest other liked film is farthest."""
    members = np.flatnonzero(liked)
    if len(members) < 2 * _ODD:
        return ()
    alike = matrix[members] @ matrix[members].T  # (L, L)
    np.fill_diagonal(alike, -1.0)
    lonely = np.argsort(alike.max(axis=1), kind="stable")[:_ODD]
    return tuple(films[int(members[at])] for at in lonely)


def _plane(matrix: np.ndarray) -> np.ndarray:
    """(T, 2), each axis from -1 to 1: the first two principal components."""
    centred = matrix - matrix.mean(axis=0)
    left, strength, right = np.linalg.svd(centred, full_matrices=False)
    sign = np.sign(right[:2, np.abs(right[:2]).argmax(axis=1)].diagonal())  # else a plane and its mirror image are one
    flat = left[:, :2] * strength[:2] * sign
    low, high = flat.min(axis=0), flat.max(axis=0)
    return np.asarray((2 * flat - low - high) / np.maximum(high - low, 1e-9))


def _point(film: Movie, star: float, xy: np.ndarray, cluster: int | None) -> Point:
    return Point(film, float(star), float(xy[0]), float(xy[1]), cluster)
