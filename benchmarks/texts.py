"""What the text of a film should hold: recipes compared by what their vectors are used for, on latest-small.

    python -m benchmarks.texts [--datasets FOLDER]

- similar films: of the 10 films whose vectors are nearest, how many are among the 10 that the same people liked most
  often (cosine of who liked them; films that 20 or more people liked);
- cold films: a fifth of the films is taken out of all histories; each user's taste, from what is left, ranks those
  films by their vectors, and NDCG@10 says whether the ones that the user liked come first;
- search by meaning: a tag that people gave to five films or more is searched for, and of the 10 films found it is
  counted how many have it. Not told for recipes that hold the tags themselves.

Keywords and overviews come from the data sets beside it (kaggle-movies-keywords, tmdb-5000). Films without them keep
their plain text, as in a catalogue. Every recipe ranks the same films for the same users.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.command import command, in_one_sentence
from core_api.taste import DEFAULT, leanings, scores, taste
from embedding_generator.encoders import Encoder, load_encoder
from embedding_generator.settings import EmbeddingSettings
from indexer.datasets import DatasetSettings, find_dataset, open_dataset
from indexer.datasets.histories import histories
from indexer.datasets.rich import enriched
from indexer.text import movie_text
from indexer.types import History, Movie
from marquee.wiring import read_settings

RICH = ("kaggle-movies-keywords", "tmdb-5000")
HEADER = ("text", "films", "similar films: precision@10", "cold films: NDCG@10", "interval of 95 %", "a tag finds")
_LEAST_RATINGS = 5
_LEAST_LIKES = 20
_LEAST_TAGGED = 5
_COLD = 0.2
_K = 10

Recipe = Callable[[Movie], Movie]  # the film with only what the text shall hold
RECIPES: Mapping[str, Recipe] = {
    "title, genres": lambda film: replace(film, tags=(), keywords=(), overview=""),
    "title, genres, tags": lambda film: replace(film, keywords=(), overview=""),
    "title, genres, keywords": lambda film: replace(film, tags=(), overview=""),
    "title, genres, overview": lambda film: replace(film, tags=(), keywords=()),
    "title, genres, keywords, overview": lambda film: replace(film, tags=()),
    "title, genres, tags, keywords": lambda film: replace(film, overview=""),
    "all of them": lambda film: film,
}


@dataclass(frozen=True)
class World:
    films: tuple[Movie, ...]  # V, with all that is known
    liked: np.ndarray  # (U, V) bool
    users: tuple[tuple[np.ndarray, np.ndarray], ...]  # rows of films (T,) and leanings (T,), oldest first


def measure(settings: DatasetSettings, models_dir: Path) -> Iterator[tuple[str, ...]]:
    """A row of the table for each recipe; for all films, then for those that have keywords and an overview."""
    world = _world(settings)
    encoder = load_encoder("all-MiniLM-L6-v2", None, models_dir)
    both = np.array([bool(film.keywords and film.overview) for film in world.films])
    everywhere = np.ones(len(world.films), bool)
    rows: dict[str, list[tuple[str, ...]]] = {"all": [], "with keywords and overview": []}
    for name, recipe in RECIPES.items():
        tagged = any(recipe(film).tags for film in world.films)
        vectors = np.asarray(encoder.encode([movie_text(recipe(film)) for film in world.films]))  # (V, D)
        for label, subset in zip(rows, (everywhere, both), strict=True):
            found = "" if tagged else f"{_by_meaning(world, vectors, subset, encoder):.4f}"
            rows[label].append((name, f"{label}: {subset.sum():,}", *_figures(world, vectors, subset), found))
    for of_subset in rows.values():
        yield from of_subset


def _world(settings: DatasetSettings) -> World:
    dataset = open_dataset(find_dataset("ml-latest-small", settings, or_demo=False).path)
    known = list(histories(dataset))
    counts: dict[str, int] = {}
    for _, history in known:
        for movie_id in history.movie_ids:
            counts[movie_id] = counts.get(movie_id, 0) + 1
    films = [film for film in dataset.movies() if counts.get(film.id, 0) >= _LEAST_RATINGS]
    for name in RICH:
        more = open_dataset(find_dataset(name, settings, or_demo=False).path)
        details = more.details({film.tmdb_id for film in films if film.tmdb_id})
        films = [enriched(film, details[film.tmdb_id]) if film.tmdb_id in details else film for film in films]  # type: ignore[index]
    row_of = {film.id: row for row, film in enumerate(films)}
    users = tuple(_user(history, row_of) for _, history in known)
    liked = np.zeros((len(users), len(films)), bool)
    for user, (rows, leaning) in enumerate(users):
        liked[user, rows[leaning > 0]] = True
    return World(tuple(films), liked, users)


def _user(history: History, row_of: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
    leaning = leanings(history.ratings)
    inside = [at for at, movie_id in enumerate(history.movie_ids) if movie_id in row_of]
    return np.array([row_of[history.movie_ids[at]] for at in inside], np.int64), leaning[inside]


def _figures(world: World, vectors: np.ndarray, subset: np.ndarray) -> tuple[str, str, str]:
    gains = _cold(world, vectors, subset)
    draws = np.random.default_rng(42).integers(0, len(gains), (1000, len(gains)))
    low, high = np.quantile(gains[draws].mean(axis=1), [0.025, 0.975])
    return f"{_similar(world, vectors, subset):.4f}", f"{gains.mean():.4f}", f"{low:.4f} to {high:.4f}"


def _similar(world: World, vectors: np.ndarray, subset: np.ndarray) -> float:
    rows = np.flatnonzero(subset & (world.liked.sum(axis=0) >= _LEAST_LIKES))
    who = world.liked[:, rows].astype(np.float32)  # (U, F)
    who /= np.linalg.norm(who, axis=0)
    together, alike = who.T @ who, vectors[rows] @ vectors[rows].T  # (F, F)
    true, found = (_nearest(matrix) for matrix in (together, alike))
    return float(np.mean([len(set(a) & set(b)) / _K for a, b in zip(true, found, strict=True)]))


def _nearest(matrix: np.ndarray) -> np.ndarray:
    """(F, 10) rows of the highest values, the diagonal left out."""
    np.fill_diagonal(matrix, -np.inf)
    return np.argsort(-matrix, axis=1, kind="stable")[:, :_K]


def _by_meaning(world: World, vectors: np.ndarray, subset: np.ndarray, encoder: Encoder) -> float:
    rows = np.flatnonzero(subset)
    tags = [{tag.casefold() for tag in world.films[row].tags} for row in rows]
    counts = Counter(tag for of_film in tags for tag in of_film)
    asked = sorted(tag for tag, count in counts.items() if count >= _LEAST_TAGGED)
    best = np.argsort(-(np.asarray(encoder.encode(asked)) @ vectors[rows].T), axis=1, kind="stable")[:, :_K]
    return float(np.mean([np.mean([tag in tags[at] for at in found]) for tag, found in zip(asked, best, strict=True)]))


def _cold(world: World, vectors: np.ndarray, subset: np.ndarray) -> np.ndarray:
    """NDCG@10 (users,) of the cold films that each user liked, ranked among all cold films."""
    cold = np.random.default_rng(42).random(len(world.films)) < _COLD  # the same films for every recipe
    candidates = np.flatnonzero(cold & subset)
    discounts = 1 / np.log2(np.arange(2, _K + 2))
    gains: list[float] = []
    for rows, leaning in world.users:
        wanted = np.isin(candidates, rows[leaning > 0])
        warm = ~cold[rows]
        found = taste(vectors[rows[warm]], leaning[warm])
        if found is None or not wanted.any():
            continue
        best = np.argsort(-scores(found, vectors[candidates], DEFAULT), kind="stable")[:_K]
        gains.append(float(wanted[best] @ discounts / discounts[: wanted.sum()].sum()))
    return np.array(gains)


@in_one_sentence()
def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--datasets", type=Path, help="folder that holds the three; by default MARQUEE_DATASETS")
    settings = read_settings(DatasetSettings, datasets=parser.parse_args().datasets)
    print(f"| {' | '.join(HEADER)} |", "|" + "---|" * len(HEADER), sep="\n", flush=True)
    for row in measure(settings, read_settings(EmbeddingSettings).embedding_models_dir):
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
