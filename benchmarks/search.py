"""How well and how fast titles are found: whole names with one typo, exact names, mistyped beginnings of long ones.

    python -m benchmarks.search [--titles 200]

Over the films of the store in MARQUEE_HOME, on that store and, where one can be had, on a real Elasticsearch that is
filled with the same films. The sample and the typos are drawn with a fixed seed: a letter inserted, deleted, replaced,
or two swapped. A film counts as found if it has the name that was meant (several films may).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from random import Random
from statistics import median, quantiles

from benchmarks.command import command, in_one_sentence, prepared
from core_api.search import CANDIDATES
from indexer.folding import fold, natural_title
from indexer.ports import Stores
from indexer.titles import rank_titles
from indexer.types import Movie

TYPO_FLOOR, EXACT_FLOOR = 0.95, 0.99  # of names with a typo in the first three, of exact names first
SHORTEST = 5  # letters of a name that gets a typo
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_BEGINNING = 3  # words


@dataclass(frozen=True)
class Found:
    what: str
    searches: int
    share: float  # of searches that found what was meant among the first `within`
    within: int
    p50_ms: float
    p95_ms: float


def measure(stores: Stores, titles: int = 200, seed: int = 42) -> list[Found]:
    """Asks the store `titles` times for each kind of text, in the way in which `GET /v1/movies?q=` does."""
    movies = list(stores.movies.scan())
    named = {movie.id: fold(natural_title(movie.title)) for movie in movies}
    long_enough = [movie for movie in movies if sum(map(str.isalpha, named[movie.id])) >= SHORTEST]
    several_words = [movie for movie in movies if len(named[movie.id].split()) > _BEGINNING + 1]
    rng = Random(seed)

    def row(what: str, films: Sequence[Movie], text: Callable[[str], str], within: int, *, begins: bool) -> Found:
        hits, times = 0, []
        for film in rng.sample(films, min(titles, len(films))):
            meant = _beginning(named[film.id]) if begins else named[film.id]
            asked = text(meant) if begins else text(natural_title(film.title))
            begun = time.perf_counter()
            found = rank_titles(asked, stores.movies.find_titles(asked, CANDIDATES), within)
            times.append(1000 * (time.perf_counter() - begun))
            names = (named[scored.id] for scored in found)
            hits += any(name.startswith(meant) if begins else name == meant for name in names)
        return Found(what, len(times), hits / len(times), within, median(times), quantiles(times, n=20)[-1])

    return [
        row("name with one typo", long_enough, partial(typo, rng), 3, begins=False),
        row("exact name", movies, str, 1, begins=False),
        row("first three words of a longer name, one typo", several_words, partial(typo, rng), 3, begins=True),
    ]


def typo(rng: Random, text: str) -> str:
    """The text with one letter inserted, deleted or replaced, or two unequal neighbours swapped."""
    places = [place for place, letter in enumerate(text) if letter.isalpha()]
    pairs = [at for at in places if at + 1 < len(text) and text[at + 1].isalpha() and text[at] != text[at + 1]]
    kind = rng.choice(("insert", "delete", "replace", "swap") if pairs else ("insert", "delete", "replace"))
    at = rng.choice(pairs if kind == "swap" else places)
    if kind == "insert":
        return text[:at] + rng.choice(_ALPHABET) + text[at:]
    if kind == "delete":
        return text[:at] + text[at + 1 :]
    if kind == "replace":
        return text[:at] + rng.choice([letter for letter in _ALPHABET if letter != text[at].lower()]) + text[at + 1 :]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


@contextmanager
def on_elasticsearch(movies: Sequence[Movie]) -> Iterator[Stores]:
    """A store with these films on a real Elasticsearch, gone afterwards. Raises Unobtainable where there is none."""
    from indexer.elasticsearch_store import ElasticsearchStores, open_elasticsearch
    from indexer.settings import StoreSettings
    from tests.support.elasticsearch_server import any_server

    with any_server() as url:
        stores = open_elasticsearch(url, StoreSettings(), f"bench-{uuid.uuid4().hex[:12]}-")
        assert isinstance(stores, ElasticsearchStores)
        try:
            stores.movies.put(movies)
            yield stores
        finally:
            stores.drop()
            stores.close()


def measure_both(titles: int, say: Callable[[str], None]) -> list[tuple[str, Found]]:
    """The rows of each store; those of Elasticsearch only where it can be had, and `say` why it cannot."""
    from indexer import open_stores
    from marquee.wiring import store_settings
    from tests.support.elasticsearch_distribution import Unobtainable

    stores = open_stores(store_settings(None).url)
    try:
        rows = [("SQLite", found) for found in measure(stores, titles)]
        try:
            with on_elasticsearch(list(stores.movies.scan())) as other:
                rows += [("Elasticsearch", found) for found in measure(other, titles)]
        except Unobtainable as missing:
            say(f"without Elasticsearch: {missing}")
        return rows
    finally:
        stores.close()


def _beginning(name: str) -> str:
    return " ".join(name.split()[:_BEGINNING])


@in_one_sentence()
def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--titles", type=int, default=200, help="searches a row")
    given = parser.parse_args()
    prepared()
    for store, found in measure_both(given.titles, print):
        print(f"{store}: {found}")


if __name__ == "__main__":
    main()
