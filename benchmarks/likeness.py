"""Do films that are said to be alike have the same friends? For ways of weighting the keyword soup, and for vectors.

    python -m benchmarks.likeness EXPORT

Over the films that 15 or more people rated 4 and above: the mean cosine between a film's likers and those of its ten
nearest films among them. `random` and `best` are the limits. Also the time of one ranking.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.command import command, in_one_sentence, takes_export
from recommender_api.data import TrainingData, read_training_data
from recommender_api.models.base import Query
from recommender_api.models.soup import Options, Soup

LIKED, LIKERS, NEAREST = 4.0, 15, 10


@in_one_sentence()
def main() -> None:
    parser = command(__doc__)
    takes_export(parser)
    data = read_training_data(parser.parse_args().data)
    films, alike = likers(data)
    print(f"{len(films)} films\n| films are near by | cosine of likers | CPU ms a film |\n|---|---|---|")
    for name, near, milliseconds in ways(data, films, alike):
        print(f"| {name} | {agreement(near, alike):.4f} | {milliseconds:.2f} |", flush=True)


def likers(data: TrainingData) -> tuple[np.ndarray, np.ndarray]:
    """(films (F,), cosines of their likers (F, F))."""
    good = data.ratings >= LIKED
    films = np.flatnonzero(np.bincount(data.items[good], minlength=data.n_items) >= LIKERS)
    matrix = np.zeros((data.n_users, data.n_items), np.float32)
    matrix[data.users[good], data.items[good]] = 1.0
    chosen = matrix[:, films] / np.linalg.norm(matrix[:, films], axis=0)
    return films, chosen.T @ chosen


def ways(data: TrainingData, films: np.ndarray, alike: np.ndarray) -> Iterator[tuple[str, np.ndarray, float]]:
    """(name, nearness (F, F), CPU milliseconds)."""
    yield "random", np.random.default_rng(0).random(alike.shape), 0.0
    yield "best", alike, 0.0
    if data.vectors is not None:
        yield "vectors of the text", data.vectors[films] @ data.vectors[films].T, 0.0
    for options in (
        Options(),
        Options(weighting="counts"),
        Options(title=0.0),
        Options(title=0.5),
        Options(title=2.0),
        Options(keywords=2.0),
        Options(genres=2.0),
    ):
        model = Soup.fit(data, options)
        started = time.process_time()
        near = np.stack([soup_of(model, int(film))[films] for film in films])
        changed = {k: v for k, v in vars(options).items() if v != getattr(Options(), k)}
        yield f"soup {changed or ''}", near, 1000 * (time.process_time() - started) / len(films)


def soup_of(model: Soup, film: int) -> np.ndarray:
    return model.scores(Query(np.array([film]), np.array([5.0], np.float32), np.array([0])))


def agreement(near: np.ndarray, alike: np.ndarray) -> float:
    own = np.eye(len(near), dtype=bool)
    nearest = np.argsort(-np.where(own, -np.inf, near), axis=1, kind="stable")[:, :NEAREST]
    return float(np.take_along_axis(alike, nearest, axis=1).mean())


if __name__ == "__main__":
    main()
