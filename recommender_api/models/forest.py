"""A random forest over what is known of a film, of a user, and of the two together (Breiman 2001). Trained globally.

What it sees of a pair: how the film is rated, how often, its year; how the user rates; what the user thought of films
of its genres, and of films whose text is alike (the ridge of `regression`). All of it is worked out from the history
in the request by one function, in serving and in training alike, so a new rating counts at once. In training a
rating is described by the other folds of the data alone, else the forest would read the answer out of the averages.
Predicts ratings; ranks by them plus a share of popularity. Fitted and served with scikit-learn, kept with skops.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from recommender_api.biases import Biases, fit_biases, user_offset
from recommender_api.data import DataError, TrainingData
from recommender_api.liking import disliked
from recommender_api.models.base import Query
from recommender_api.models.regression import HIGHEST, LOWEST, centred_vectors, ridge
from recommender_api.selection import best
from recommender_api.vocabulary import Vocabulary
from recommender_api.weights import (
    ModelFileError,
    check_rows,
    place,
    read_arrays,
    read_config,
    write_arrays,
    write_config,
)

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestRegressor

FEATURES = 8
_PARTS = 4  # the first features are in stars: film, user, genre affinity, text affinity
_GAP = 1e-3
_GENRE_SHRINKAGE = 3.0  # imaginary ratings at the user's own average
_FOREST_FILE = "forest.skops"
_TREE = "sklearn.tree._tree.Tree"  # arrays of nodes; the only type let in beside those that skops itself trusts
_LARGEST_FOREST = 1 << 30  # bytes, unpacked
_ARRAYS = {"offsets", "counts", "years", "genres", "vectors"}


@dataclass(frozen=True)
class Options:
    trees: int = 60
    leaf: int = 20  # fewest ratings in a leaf
    folds: int = 10
    shortlist: int = 2000  # films that the forest ranks in one request; it takes 5 ms for 1,000 of them
    rows: int = 1_000_000  # ratings that the forest learns from, drawn at random where there are more
    seed: int = 42
    ridge: float = 2.0  # of the text affinity
    popularity: float = 0.3  # stars that a film gains in the ranking for e times as many ratings
    avoid: float = 1.5  # stars below expectation that a film to be avoided counts as


@dataclass(frozen=True, eq=False)
class FilmFacts:
    """What is known of the films without any user."""

    biases: Biases
    years: np.ndarray  # (V,) float32, the mean year where unknown
    genres: np.ndarray  # (V, G) float32, each row sums to 1, or to 0 without genres
    vectors: np.ndarray  # (V, D) float32, centred, zeros where a film has none; D may be 0


class Forest:
    name: ClassVar[str] = "forest"

    def __init__(
        self, vocabulary: Vocabulary, options: Options, facts: FilmFacts, forest: RandomForestRegressor
    ) -> None:
        self.vocabulary = vocabulary
        self.options = options
        self._facts = facts
        self._forest = forest
        self._prior = options.popularity * np.log1p(facts.biases.counts)  # (V,) stars

    @classmethod
    def fit(cls, data: TrainingData, options: Options | None = None) -> Self:
        """Raises DataError for data without a rating. Vectors are used where there are some."""
        from sklearn.ensemble import RandomForestRegressor

        options = options or Options()
        if not len(data):
            raise DataError("There is no rating to learn from; load a data set first.")
        facts = film_facts(data)
        described, ratings = training_pairs(data, facts, options)
        forest = RandomForestRegressor(
            options.trees, min_samples_leaf=options.leaf, max_features=1 / 3, random_state=options.seed, n_jobs=-1
        ).fit(described, ratings)
        return cls(data.vocabulary, options, facts, forest.set_params(n_jobs=1))

    def scores(self, query: Query) -> np.ndarray:
        """The forest ranks a shortlist; what a sum of its parts puts behind stays behind, in the order of the sum."""
        everything = np.arange(len(self.vocabulary))
        parts = describe(self._facts, query, everything, self.options)[:, :_PARTS].sum(axis=1)
        total = parts.astype(np.float64) + self._prior  # (V,)
        short = best(total, np.ones(len(total), bool), self.options.shortlist)
        ranked = self._never_pulled(query, short) + self._prior[short]
        if len(short) < len(total):
            behind = np.ones(len(total), bool)
            behind[short] = False
            total[behind] -= max(0.0, total[behind].max() - ranked.min()) + _GAP
        total[short] = ranked
        return np.asarray(total, np.float32)  # (V,)

    def _never_pulled(self, query: Query, films: np.ndarray) -> np.ndarray:
        """Ratings (N,). A forest is not monotone: what disliked films have raised is taken back."""
        ratings = self.predict(query, films)
        kept = ~disliked(query.ratings, self._facts.biases.mean)
        if len(query.avoid) or not kept.all():
            without = Query(query.items[kept], query.ratings[kept], query.timestamps[kept])
            ratings = np.minimum(ratings, self.predict(without, films))
        return ratings

    def predict(self, query: Query, items: np.ndarray) -> np.ndarray:
        if not len(items):
            return np.empty(0, np.float32)
        described = describe(self._facts, query, items, self.options)
        return np.asarray(np.clip(self._forest.predict(described), LOWEST, HIGHEST), np.float32)  # (N,)

    def save(self, folder: Path) -> None:
        from skops.io import dump

        facts = self._facts
        write_config(folder, self.options, mean_rating=facts.biases.mean)
        arrays = {
            "offsets": facts.biases.films,
            "counts": facts.biases.counts,
            "years": facts.years,
            "genres": facts.genres,
            "vectors": facts.vectors,
        }
        write_arrays(folder, arrays)
        dump(self._forest, folder / _FOREST_FILE, compression=zipfile.ZIP_DEFLATED)

    @classmethod
    def load(cls, folder: Path, vocabulary: Vocabulary) -> Self:
        options, facts = read_config(folder, Options)
        arrays = read_arrays(folder, _ARRAYS)
        for name, array in arrays.items():
            check_rows(folder, name, len(array), len(vocabulary))
            if array.ndim != (2 if name in ("genres", "vectors") else 1) or not np.isfinite(array).all():
                raise ModelFileError(f"{place(folder)}: {name} have the wrong shape or are not finite; train again.")
        biases = Biases(float(facts["mean_rating"]), arrays["offsets"], arrays["counts"])
        films = FilmFacts(biases, arrays["years"], arrays["genres"], arrays["vectors"])
        return cls(vocabulary, options, films, _read_forest(folder / _FOREST_FILE))


def film_facts(data: TrainingData) -> FilmFacts:
    names = {genre: column for column, genre in enumerate(sorted({g for genres in data.genres for g in genres}))}
    genres = np.zeros((data.n_items, len(names)), np.float32)
    for film, film_genres in enumerate(data.genres):
        genres[film, [names[genre] for genre in film_genres]] = 1 / max(1, len(film_genres))
    dated = data.years > 0
    years = np.where(dated, data.years, data.years[dated].mean() if dated.any() else 0)
    vectors = np.zeros((data.n_items, 0), np.float32) if data.vectors is None else centred_vectors(data)
    return FilmFacts(fit_biases(data), years.astype(np.float32), genres, vectors)


def describe(facts: FilmFacts, query: Query, items: np.ndarray, options: Options) -> np.ndarray:
    """(N, FEATURES) float32: what the forest sees of a history and these films."""
    biases = facts.biases
    residuals = query.ratings - (biases.mean + biases.films[query.items])  # (T,)
    user = user_offset(residuals)
    films = np.concatenate([query.items, query.avoid])
    surprise = np.concatenate([residuals - user, np.full(len(query.avoid), -options.avoid)])  # (T + A,)
    seen = facts.genres[films]  # (T + A, G)
    liking = (surprise @ seen) / (seen.sum(axis=0) + _GENRE_SHRINKAGE)  # (G,)
    text = ridge(facts.vectors[films], surprise, options.ridge)  # (D,)
    columns = np.empty((len(items), FEATURES), np.float32)
    columns[:, 0] = biases.films[items]
    columns[:, 1] = user
    columns[:, 2] = facts.genres[items] @ liking
    columns[:, 3] = facts.vectors[items] @ text
    columns[:, 4] = np.log1p(biases.counts[items])
    columns[:, 5] = facts.years[items]
    columns[:, 6] = np.log1p(len(query.items))
    columns[:, 7] = surprise.std() if len(surprise) else 0.0
    return columns


def training_pairs(data: TrainingData, facts: FilmFacts, options: Options) -> tuple[np.ndarray, np.ndarray]:
    """(features (M, FEATURES), ratings (M,)): each rating as it looked before it was given, as far as folds can say."""
    rng = np.random.default_rng(options.seed)
    fold = rng.integers(options.folds, size=len(data))
    wanted = rng.random(len(data)) < options.rows / len(data)
    described, ratings = [], []
    for held_out in range(options.folds):
        rest = data.select(fold != held_out)
        known = replace(facts, biases=fit_biases(rest))
        asked = data.select((fold == held_out) & wanted)
        for target in asked.histories():
            past = rest.history(target.user)
            query = Query(past.items, past.ratings, past.timestamps)
            described.append(describe(known, query, target.items, options))
            ratings.append(target.ratings)
    return np.concatenate(described), np.concatenate(ratings)


def _read_forest(path: Path) -> RandomForestRegressor:
    """The file is a zip of JSON and plain arrays. Its size is bounded, its types are looked at before anything is made
    of it, and only those that scikit-learn's forests consist of are let in."""
    from sklearn.ensemble import RandomForestRegressor
    from skops.io import get_untrusted_types, load

    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > _LARGEST_FOREST:
            raise ModelFileError(f"{place(path)} unpacks to {size} bytes, at most {_LARGEST_FOREST} are read.")
        strange = sorted(set(get_untrusted_types(file=path)) - {_TREE})
        if strange:
            raise ModelFileError(f"{place(path)} holds {', '.join(map(str, strange[:3]))}, which no forest needs.")
        forest = load(path, trusted=[_TREE])
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{place(path)} is damaged ({type(error).__name__}); train the model again.") from None
    if not isinstance(forest, RandomForestRegressor) or not _sound(forest):
        raise ModelFileError(f"{place(path)} is not a sound forest over {FEATURES} features; train the model again.")
    return forest


def _sound(forest: RandomForestRegressor) -> bool:
    """Trees are walked by compiled code that checks nothing, so their links and columns are checked here."""
    for estimator in getattr(forest, "estimators_", ()):
        tree = estimator.tree_
        nodes = np.arange(tree.node_count)
        inner = tree.children_left >= 0
        for children in (tree.children_left, tree.children_right):
            # A child comes after its parent: no walk leaves the tree or goes round for ever.
            if (children[inner] <= nodes[inner]).any() or (children >= tree.node_count).any():
                return False
        columns = tree.feature[inner]
        if tree.n_features != FEATURES or (columns < 0).any() or (columns >= FEATURES).any():
            return False
    return bool(getattr(forest, "estimators_", ())) and forest.n_features_in_ == FEATURES
