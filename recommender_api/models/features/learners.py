"""What learns ratings from columns: gradient boosting, a random forest, or the mean of both; kept with skops.

    boosting   HistGradientBoostingRegressor: trees one after another, each on what the ones before left over
    forest     RandomForestRegressor (Breiman 2001): trees beside each other, each on a sample
    blend      the mean of the two

A stored file is a zip of JSON and plain arrays. Before anything is made of it its size is bounded and its types are
looked at; afterwards every tree is walked through, since compiled code will follow its links without checking.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from recommender_api.weights import ModelFileError, place

LEARNERS = {"boosting": ("boosting",), "forest": ("forest",), "blend": ("boosting", "forest")}
_LARGEST = 1 << 30  # bytes, unpacked
# The only types let in beside those that skops itself trusts: arrays of nodes.
_TREES = {
    "boosting": "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "forest": "sklearn.tree._tree.Tree",
}


class LearnerOptions(Protocol):
    @property
    def learner(self) -> str: ...
    @property
    def trees(self) -> int: ...
    @property
    def rounds(self) -> int: ...
    @property
    def leaf(self) -> int: ...
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True, eq=False)
class Learned:
    models: dict[str, Any]  # by kind, "boosting" or "forest"

    @classmethod
    def fit(cls, columns: np.ndarray, ratings: np.ndarray, options: LearnerOptions) -> Self:
        """From columns (M, C) and ratings (M,)."""
        from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor

        models: dict[str, Any] = {}
        for kind in LEARNERS[options.learner]:
            if kind == "boosting":
                model = HistGradientBoostingRegressor(
                    learning_rate=0.04,
                    max_iter=options.rounds,
                    max_leaf_nodes=20,
                    min_samples_leaf=options.leaf,
                    max_features=0.4,
                    l2_regularization=5.0,
                    early_stopping=False,
                    random_state=options.seed,
                ).fit(columns, ratings)
            else:
                model = RandomForestRegressor(
                    options.trees,
                    min_samples_leaf=options.leaf,
                    max_features=1 / 3,
                    random_state=options.seed,
                    n_jobs=-1,
                ).fit(columns, ratings)
                model.set_params(n_jobs=1)  # when serving
            models[kind] = model
        return cls(models)

    def predict(self, columns: np.ndarray) -> np.ndarray:
        """(N,) float64 for columns (N, C)."""
        if not len(columns):
            return np.zeros(0)
        with self._threads.limit(limits={"openmp": 1}):  # a second thread waits by spinning
            return np.asarray(np.mean([model.predict(columns) for model in self.models.values()], axis=0))

    @cached_property
    def _threads(self) -> Any:
        from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

        return ThreadpoolController()

    def save(self, folder: Path) -> None:
        from skops.io import dump

        for kind, model in self.models.items():
            dump(model, folder / f"{kind}.skops", compression=zipfile.ZIP_DEFLATED)

    @classmethod
    def load(cls, folder: Path, learner: str, columns: int) -> Self:
        """Raises ModelFileError for a file that is damaged, holds anything else, or takes another number of columns."""
        return cls({kind: _read(folder / f"{kind}.skops", kind, columns) for kind in LEARNERS[learner]})


def _read(path: Path, kind: str, columns: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
    from skops.io import get_untrusted_types, load

    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > _LARGEST:
            raise ModelFileError(f"{place(path)} unpacks to {size} bytes, at most {_LARGEST} are read.")
        strange = sorted(set(get_untrusted_types(file=path)) - {_TREES[kind]})
        if strange:
            raise ModelFileError(f"{place(path)} holds {', '.join(map(str, strange[:3]))}, which no {kind} needs.")
        model = load(path, trusted=[_TREES[kind]])
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{place(path)} is damaged ({type(error).__name__}); train the model again.") from None
    expected = HistGradientBoostingRegressor if kind == "boosting" else RandomForestRegressor
    if not isinstance(model, expected) or not _sound(model, columns):
        raise ModelFileError(f"{place(path)} is not a sound {kind} over {columns} columns; train the model again.")
    return model


@dataclass(frozen=True)
class _Tree:
    left: np.ndarray  # (nodes,)
    right: np.ndarray
    column: np.ndarray
    is_leaf: np.ndarray


def _sound(model: Any, columns: int) -> bool:
    if model.n_features_in_ != columns:
        return False
    trees = list(_boosted(model) if hasattr(model, "_predictors") else _grown(model, columns))
    return bool(trees) and all(tree is not None and _walkable(tree, columns) for tree in trees)


def _walkable(tree: _Tree, columns: int) -> bool:
    """A child comes after its parent, so that no walk leaves the tree or goes round for ever."""
    inner = ~tree.is_leaf
    nodes = np.arange(len(inner))[inner]
    links = (tree.left[inner], tree.right[inner])
    asked = tree.column[inner]
    return all(((nodes < link) & (link < len(inner))).all() for link in links) and bool(
        ((asked >= 0) & (asked < columns)).all()
    )


def _grown(model: Any, columns: int) -> Iterator[_Tree | None]:
    for estimator in getattr(model, "estimators_", ()):
        tree = estimator.tree_
        left, right = tree.children_left, tree.children_right
        yield _Tree(left, right, tree.feature, left < 0) if tree.n_features == columns else None


def _boosted(model: Any) -> Iterator[_Tree | None]:
    """None for a tree that asks for categories: ours have none, and their tables are not checked."""
    for of_round in model._predictors:
        for predictor in of_round:
            nodes = predictor.nodes
            tree = _Tree(
                nodes["left"].astype(np.int64),
                nodes["right"].astype(np.int64),
                nodes["feature_idx"].astype(np.int64),
                nodes["is_leaf"].astype(bool),
            )
            yield None if nodes["is_categorical"].any() or not len(nodes) else tree
