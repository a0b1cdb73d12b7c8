"""How well ratings are predicted, with intervals: the published figures of comparable projects, and ours.

    OMP_NUM_THREADS=1 python -m benchmarks.ratings EXPORT [--only reproduced|models|time|untagged]

EXPORT is what `marquee export DIR` wrote; with the vectors of all-MiniLM-L6-v2 for the figures in docs/models.md.

    reproduced  80/20 at random, seed 42: a random forest of 100 trees on sparse genres and tags (published RMSE 0.96)
                and on text embeddings (0.91, there bert-base-nli-mean-tokens), and gradient boosting on the same; each
                with film columns alone and with the user's offset, since it is not said which; then what beats them
    models      70/30 at random, seed 42: biases, regression by blocks, forest, matrix factorisation, neural
                collaborative filtering; and the forest with the target's own time
    time        the last tenth by time, learnt from the first four fifths
    untagged    70/30, no tags: people's tags are known whenever they were written, also those of the raters and
                ratings that are asked for; vectors are made anew from title and genres
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.command import command, in_one_sentence, takes_export
from embedding_generator.encoders import load_encoder
from embedding_generator.settings import DEFAULT_MODEL, EmbeddingSettings
from indexer.text import movie_text
from indexer.types import Movie
from marquee.wiring import read_settings
from recommender_api.biases import Biases, fit_biases, surprises_of
from recommender_api.data import TrainingData, read_training_data
from recommender_api.evaluation.protocols import RandomRatings, TimeCut
from recommender_api.evaluation.splits import Split
from recommender_api.evaluation.uncertainty import pooled_interval
from recommender_api.models.base import Query
from recommender_api.models.forest import Forest
from recommender_api.models.forest import Options as ForestOptions
from recommender_api.models.registry import ranker_class
from recommender_api.models.regression import Options as RidgeOptions
from recommender_api.models.regression import Regression
from recommender_api.training import make_options

Predict = Callable[[Query, np.ndarray, np.ndarray], np.ndarray]  # history, films (N,), seconds (N,) -> ratings (N,)
Fit = Callable[[TrainingData], Predict]
Part = tuple[str, Split, Mapping[str, Fit]]  # what the split is called, and what is fitted on it
TREES = ForestOptions(learner="forest", trees=100, leaf=5)
BLOCKS = ("genres", "tags", "text", "years", "counts", "audience")


@in_one_sentence()
def main() -> None:
    parser = command(__doc__)
    takes_export(parser)
    parser.add_argument("--only", choices=list(PARTS), help="this part alone")
    given = parser.parse_args()
    for row in rows(read_training_data(given.data), [given.only] if given.only else list(PARTS)):
        print(row, flush=True)


def rows(data: TrainingData, parts: list[str]) -> Iterator[str]:
    yield "| split | model | RMSE | 95 % interval | fit CPU s |"
    yield "|---|---|---|---|---|"
    for part in parts:
        split_name, split, fits = PARTS[part](data)
        for name, fit in fits.items():
            started = time.process_time()
            predict = fit(split.train)
            seconds = time.process_time() - started
            errors = list(misses(predict, split, data))
            squares = np.array([np.square(missed, dtype=np.float64).sum() for missed in errors])
            counts = np.array([len(missed) for missed in errors])
            low, high = pooled_interval(squares, counts, np.sqrt)  # over users: ratings of one depend on each other
            rmse = float(np.sqrt(squares.sum() / counts.sum()))
            yield f"| {split_name} | {name} | {rmse:.4f} | {low:.4f} to {high:.4f} | {seconds:.0f} |"


def misses(predict: Predict, split: Split, data: TrainingData) -> Iterator[np.ndarray]:
    for case in split.rating_test:
        past = data.history(case.user)
        row_of = {film: row for row, film in enumerate(past.items.tolist())}
        when = past.timestamps[[row_of[film] for film in case.items.tolist()]]
        yield predict(case.query, case.items, when) - case.ratings


def biases_alone(data: TrainingData) -> Predict:
    biases = fit_biases(data)
    return lambda query, items, _when: _biased(biases, query, items)


def _biased(biases: Biases, query: Query, items: np.ndarray) -> np.ndarray:
    user, _ = surprises_of(biases, query.items, query.ratings)
    return np.asarray(np.clip(biases.mean + biases.films[items] + user, 0.5, 5.0))


def ridge_on(*blocks: str) -> Fit:
    absent = {name: 0.0 for name in BLOCKS if name not in blocks}

    def fit(data: TrainingData) -> Predict:
        model = Regression.fit(data, replace(RidgeOptions(), **absent))
        return lambda query, items, _when: model.predict(query, items)

    return fit


def trees_on(features: str, options: ForestOptions | None = None, **more: Any) -> Fit:
    def fit(data: TrainingData) -> Predict:
        return Forest.fit(data, replace(options or ForestOptions(), features=features, **more)).predict_at

    return fit


def model(name: str, **options: Any) -> Fit:
    """A registered model that is not asked about a time."""

    def fit(data: TrainingData) -> Predict:
        ranker = ranker_class(name).fit(data, make_options(name, options))
        return lambda query, items, _when: _told(ranker.predict(query, items))

    return fit


def _told(ratings: np.ndarray | None) -> np.ndarray:
    assert ratings is not None  # of a model that only ranks
    return ratings


FACTORS: Mapping[str, Fit] = {
    "mf": model("mf"),
    "kmf, linear kernel": model("kmf", kernel="linear"),
    "kmf, logistic kernel": model("kmf", kernel="logistic"),
    "ncf plain, penalty 12": model("ncf", kind="plain", penalty=12.0),
    "ncf gmf": model("ncf", kind="gmf"),
    "ncf mlp": model("ncf", kind="mlp"),
    "ncf neumf, its defaults": model("ncf"),
}


def _reproduced(data: TrainingData) -> Part:
    fits = {
        "biases of film and user": biases_alone,
        "regression, its defaults": model("regression"),
        "forest, its defaults": model("forest"),
        "gradient boosting on genres and tags": trees_on("labels"),
        "gradient boosting on genres, tags, user's offset": trees_on("labels,user"),
        "gradient boosting on text vectors": trees_on("text"),
        "gradient boosting on text vectors, user's offset": trees_on("text,user"),
        "random forest on genres and tags (published 0.96)": trees_on("labels", TREES),
        "random forest on genres, tags, user's offset": trees_on("labels,user", TREES),
        "random forest on text vectors (published 0.91)": trees_on("text", TREES),
        "random forest on text vectors, user's offset": trees_on("text,user", TREES),
    }
    return "80/20", RandomRatings(test_share=0.2).split(data), fits


def _models(data: TrainingData) -> Part:
    engineered = ForestOptions().features
    fits = {
        "biases of film and user": biases_alone,
        "regression on genres and tags": ridge_on("genres", "tags"),
        "regression on text": ridge_on("text"),
        "regression, its defaults": model("regression"),
        "forest, its defaults": model("forest"),
        "forest, boosting and random forest blended": trees_on(engineered, learner="blend"),
        "forest, and the target's own time": trees_on(engineered + ",time"),
        **FACTORS,
    }
    return "70/30", RandomRatings().split(data), fits


def _time(data: TrainingData) -> Part:
    fits = {
        "biases of film and user": biases_alone,
        "regression, its defaults": model("regression"),
        "forest, its defaults": model("forest"),
        **{name: FACTORS[name] for name in ("mf", "kmf, linear kernel", "ncf plain, penalty 12")},
    }
    return "by time", TimeCut().split(data), fits


def _untagged(data: TrainingData) -> Part:
    fits = {"regression, its defaults": model("regression"), "forest, its defaults": model("forest")}
    return "70/30, no tags", RandomRatings().split(untagged(data)), fits


def untagged(data: TrainingData) -> TrainingData:
    """The same ratings of films without tags; a film's vector, where it has one, of its title and genres alone."""
    data = replace(data, labels={kind: words for kind, words in data.labels.items() if kind != "tags"})
    if data.vectors is None or data.has_vector is None:
        return data
    encoder = load_encoder(DEFAULT_MODEL, None, read_settings(EmbeddingSettings).embedding_models_dir)
    facts = zip(data.vocabulary.ids, data.titles, data.genres, strict=True)
    vectors = encoder.encode([movie_text(Movie(id, title, genres)) for id, title, genres in facts])  # (V, D)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return replace(data, vectors=np.where(data.has_vector[:, None], vectors, 0.0).astype(np.float32))


PARTS: Mapping[str, Callable[[TrainingData], Part]] = {
    "reproduced": _reproduced,
    "models": _models,
    "time": _time,
    "untagged": _untagged,
}


if __name__ == "__main__":
    main()
