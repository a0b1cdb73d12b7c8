"""Recommended from a film: do people like what both stages give more than what keywords alone give? Decision 044.

    OMP_NUM_THREADS=1 python -m benchmarks.from_film [--users 600]

Over the films and users of MARQUEE_HOME. Of each drawn user the last film with 4 stars or more among the oldest four
fifths of their ratings is the film that is asked from. All they rated after it is taken away before the models learn,
and is what the ten recommended films are held against. Who liked nothing afterwards is not drawn. Everybody excludes
what the user had rated. Popular films and near ones stand beside for scale: people rate what the pages of MovieLens
show them, famous films above all, so the first row is hard to pass.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.__main__ import table
from benchmarks.command import command, in_one_sentence, prepared
from core_api.core import Core
from core_api.settings import CoreSettings
from core_api.wishes import Wish
from indexer import open_stores, statistics
from indexer.export import export
from indexer.ports import Stores
from indexer.types import History, MovieFilter, Rating
from marquee.wiring import opened_stores, read_settings
from recommender_api.data import read_training_data
from recommender_api.engine import RecommenderEngine
from recommender_api.evaluation.ranks import Ranks
from recommender_api.evaluation.uncertainty import intervals, paired_p
from recommender_api.model_files import activate, save_version
from recommender_api.models.registry import options_class, ranker_class

K = 10
LIKED = 4.0
KNOWN = 0.8  # share of a user's ratings, the oldest ones, among which the film is looked for
SOUP, BOTH = "soup alone", "soup and predicted stars"
HEADER = ("the ten are", "rated later", "liked later", "NDCG@10 of what was liked", "95 % interval", "p against soup")


@dataclass(frozen=True)
class Case:
    user_id: str
    known: History  # up to the film that is asked from, which comes last
    later: Mapping[str, float]  # stars by film

    @property
    def film(self) -> str:
        return self.known.movie_ids[-1]

    @property
    def liked(self) -> set[str]:
        return {film for film, stars in self.later.items() if stars >= LIKED}


@dataclass(frozen=True, eq=False)
class Found:
    """What came of C lists, one value a case."""

    rated: np.ndarray  # (C,) share of the ten
    liked: np.ndarray  # (C,)
    gains: np.ndarray  # (C,) NDCG@10


def from_genres(core: Core, case: Case) -> list[str]:
    genres = core.stores.movies.get([case.film])[case.film].genres
    wish = Wish(k=K, where=MovieFilter(genres=frozenset(genres)), model="popular")
    return [item.movie.id for item in core.recommend.for_history(case.known, wish).items]


def by_vectors(core: Core, case: Case) -> list[str]:
    near = core.similar.to(case.film, Wish(k=K, exclude=case.known.movie_ids))
    return [film.id for film, _ in near.items]


def by_soup(core: Core, case: Case) -> list[str]:
    found = core.from_film.to(case.film, None, Wish(k=K, exclude=case.known.movie_ids))
    return [film.id for film, _ in found.items]


def by_both(core: Core, case: Case) -> list[str]:
    found = core.from_film.to(case.film, case.user_id, Wish(k=K))
    if not found.models:  # a film without a genre has one stage, the soup
        raise RuntimeError(f"no model ranked: {found.fallback_reason}")
    return [film.id for film, _ in found.items]


WAYS: Mapping[str, Callable[[Core, Case], list[str]]] = {
    "popular films of its genres": from_genres,
    "near by vectors": by_vectors,
    SOUP: by_soup,
    BOTH: by_both,
}


def draw(stores: Stores, count: int, seed: int = 42) -> list[Case]:
    """At most `count` users, the same each time."""
    possible = [case for user_id, history in stores.users.scan() if (case := case_of(user_id, history))]
    order = np.random.default_rng(seed).permutation(len(possible))[:count]
    return [possible[at] for at in sorted(order)]


def case_of(user_id: str, history: History) -> Case | None:
    """None for somebody who liked nothing early, or nothing later."""
    early = range(int(KNOWN * len(history)))
    last = next((at for at in reversed(early) if history.ratings[at] >= LIKED), None)
    if last is None:
        return None
    upto = last + 1
    known = History(history.movie_ids[:upto], history.ratings[:upto], history.timestamps[:upto])
    case = Case(user_id, known, dict(zip(history.movie_ids[upto:], history.ratings[upto:], strict=True)))
    return case if case.liked else None


@contextmanager
def before(stores: Stores, cases: Sequence[Case]) -> Iterator[Core]:
    """A core over a copy of these stores, without what the cases hold back, its models learnt from that copy."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        copy = open_stores(f"sqlite:///{folder}/copy.db")
        fill(copy, stores, {case.user_id: case.known for case in cases})
        settings = read_settings(CoreSettings)
        engine = RecommenderEngine(learn(copy, folder, ("soup", settings.rating_model)), poll_s=3600)
        try:
            yield Core(copy, engine, None, settings)
        finally:
            engine.close()
            copy.close()


def fill(copy: Stores, stores: Stores, known: Mapping[str, History]) -> None:
    copy.movies.put(stores.movies.scan())
    if space := stores.vectors.space():
        copy.vectors.create(space)
        copy.vectors.put(stores.vectors.scan())
    copy.users.merge_many((user_id, ratings(known.get(user_id, history))) for user_id, history in stores.users.scan())
    statistics.write(copy, statistics.compute(copy))


def ratings(history: History) -> list[Rating]:
    return list(map(Rating, history.movie_ids, history.ratings, history.timestamps))


def learn(stores: Stores, folder: Path, names: Sequence[str]) -> Path:
    """The folder of the models, fitted on all ratings of these stores."""
    export(stores, folder / "export")
    data, models = read_training_data(folder / "export"), folder / "models"
    for name in names:
        stored = save_version(models, ranker_class(name).fit(data, options_class(name)()), {})
        activate(models, name, stored.version)
    return models


def judge(lists: Sequence[list[str]], cases: Sequence[Case]) -> Found:
    pairs = list(zip(lists, cases, strict=True))
    places = [np.array([1 + films.index(film) if film in films else K + 1 for film in c.liked]) for films, c in pairs]
    return Found(
        np.array([sum(film in case.later for film in films) / K for films, case in pairs]),
        np.array([sum(film in case.liked for film in films) / K for films, case in pairs]),
        Ranks.of(places).gains(K),
    )


def measure(stores: Stores, users: int) -> Iterator[tuple[str, ...]]:
    """Rows under HEADER; those before the soup have no p."""
    cases = draw(stores, users)
    with before(stores, cases) as core:
        soup: Found | None = None
        for name, way in WAYS.items():
            found = judge([way(core, case) for case in cases], cases)
            soup = found if name == SOUP else soup
            [(low, high)] = intervals({"ndcg": found.gains}).values()
            p = f"{paired_p(found.gains, soup.gains):.4f}" if soup and soup is not found else ""
            shares = (f"{found.rated.mean():.4f}", f"{found.liked.mean():.4f}", f"{found.gains.mean():.4f}")
            yield name, *shares, f"{low:.4f} to {high:.4f}", p


@in_one_sentence()
def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--users", type=int, default=600, help="at most so many are drawn")
    given = parser.parse_args()
    prepared()
    with opened_stores(None) as stores:
        table("Recommended from a film", HEADER, measure(stores, given.users))


if __name__ == "__main__":
    main()
