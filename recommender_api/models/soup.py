"""Keyword soup: a film is the bag of its genres, tags, keywords, cast, director and title words; likeness is cosine.

    score(u, b) = sum over the films s of u's history of strength(s) cos(s, b)

Words are weighted by their kind and by how rare they are (TF-IDF, Spaerck Jones 1972). Nothing is learnt from ratings
but which films were liked, so a film with three ratings is found as well as a famous one, and it is what speaks for a
single film: `/v1/movies/{id}/recommendations` asks it with that film as the whole history. Liked films pull with
strength 1, disliked ones push; a trace of popularity orders what no word tells apart. Numpy alone in serving.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from recommender_api.data import TrainingData
from recommender_api.liking import SLACK, disliked, liked
from recommender_api.models.base import Query
from recommender_api.models.features.labels import Labels
from recommender_api.models.item_table import popularity
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

_TRACE = 1e-6  # of popularity: below every likeness, above nothing
_BILLED = 5  # names of a cast that count
_WORD = re.compile(r"[^\W\d_]{3,}|\d{2}(?!\d)")  # of a title; a year is none
_ARRAYS = {"starts", "words", "weights", "popularity"}


@dataclass(frozen=True)
class Options:
    weighting: str = "tfidf"  # or counts: every word the same
    genres: float = 1.0  # how much a word of each kind counts
    keywords: float = 1.0  # tags are keywords, too
    cast: float = 1.0
    director: float = 1.0
    title: float = 1.0
    dislike: float = 0.3  # how strongly a film that was not liked pushes
    longest: int = 200  # latest films of a history that are looked at
    liked_slack: float = SLACK  # stars below the user's own mean that still count as liked

    def __post_init__(self) -> None:
        if self.weighting not in ("tfidf", "counts"):
            raise ValueError(f"weighting {self.weighting!r} is neither tfidf nor counts")


class Soup:
    name: ClassVar[str] = "soup"

    def __init__(
        self,
        vocabulary: Vocabulary,
        options: Options,
        mean_rating: float,
        starts: np.ndarray,
        words: np.ndarray,
        weights: np.ndarray,
        popularity: np.ndarray,
    ) -> None:
        self.vocabulary = vocabulary
        self.options = options
        self._mean_rating = mean_rating
        self._starts = starts  # (V + 1,) int64: film a has the entries starts[a] to starts[a + 1]
        self._words = words  # (E,) int32
        self._weights = weights  # (E,) float32; those of a film have length 1
        self._popularity = popularity  # (V,) float32, share of all ratings
        self._films = np.repeat(np.arange(len(vocabulary)), np.diff(starts))  # (E,) whose entry it is
        self._n_words = int(words.max(initial=-1)) + 1

    @classmethod
    def fit(cls, data: TrainingData, options: Options | None = None) -> Self:
        options = options or Options()
        films = [tuple(_bag(data, film)) for film in range(data.n_items)]
        labels = Labels.fit(films)
        matrix, _ = labels.encode(films)  # (V, G) sparse
        matrix.sort_indices()
        kinds = np.array([getattr(options, name.partition(":")[0]) for name in labels.names] or [0.0])
        having = np.bincount(matrix.indices, minlength=len(kinds))
        rarity = np.log1p(data.n_items / np.maximum(having, 1)) if options.weighting == "tfidf" else 1.0
        weights = (kinds * rarity)[matrix.indices]
        starts = matrix.indptr.astype(np.int64)
        of_film = np.repeat(np.arange(data.n_items), np.diff(starts))
        lengths = np.sqrt(np.bincount(of_film, weights**2, data.n_items))
        weights = weights / np.where(lengths > 0, lengths, 1.0)[of_film]
        return cls(
            data.vocabulary,
            options,
            data.global_mean,
            starts,
            matrix.indices.astype(np.int32),
            weights.astype(np.float32),
            popularity(data.items, data.n_items),
        )

    def scores(self, query: Query) -> np.ndarray:
        options = self.options
        likes = liked(query.ratings, self._mean_rating, options.liked_slack) & ~np.isin(query.items, query.avoid)
        dislikes = disliked(query.ratings, self._mean_rating) & ~likes
        pull, push = query.items[likes][-options.longest :], query.items[dislikes][-options.longest :]
        push = np.concatenate([push, query.avoid])
        films = np.concatenate([pull, push])
        strength = np.concatenate([np.ones(len(pull)), np.full(len(push), -options.dislike)])
        return (self._likeness(films, strength) + _TRACE * self._popularity).astype(np.float32)  # (V,)

    def _likeness(self, films: np.ndarray, strength: np.ndarray) -> np.ndarray:
        """(V,) float64: the sum of the strengths (T,) times the cosines with these films (T,)."""
        lengths = self._starts[films + 1] - self._starts[films]
        # Entries of all films in one index: within each run, count up from the run's start.
        entries = np.arange(lengths.sum()) + np.repeat(self._starts[films] - np.cumsum(lengths) + lengths, lengths)
        values = self._weights[entries] * np.repeat(strength, lengths)
        profile = np.bincount(self._words[entries], values, minlength=self._n_words)  # (G,)
        return np.bincount(self._films, self._weights * profile[self._words], minlength=len(self.vocabulary))

    def predict(self, query: Query, items: np.ndarray) -> np.ndarray | None:  # noqa: ARG002
        return None

    def save(self, folder: Path) -> None:
        write_config(folder, self.options, mean_rating=self._mean_rating)
        arrays = {"starts": self._starts, "words": self._words, "weights": self._weights}
        write_arrays(folder, {**arrays, "popularity": self._popularity})

    @classmethod
    def load(cls, folder: Path, vocabulary: Vocabulary) -> Self:
        options, facts = read_config(folder, Options)
        arrays = read_arrays(folder, _ARRAYS)
        starts, words, weights = arrays["starts"], arrays["words"], arrays["weights"]
        check_rows(folder, "the words", len(starts) - 1, len(vocabulary))
        check_rows(folder, "the popularities", len(arrays["popularity"]), len(vocabulary))
        if (
            starts[0] != 0
            or (np.diff(starts) < 0).any()
            or not starts[-1] == len(words) == len(weights)
            or words.min(initial=0) < 0
            or words.max(initial=-1) >= len(words)
            or not np.isfinite(weights).all()
        ):
            raise ModelFileError(f"{place(folder)}: the table of words is inconsistent; train the model again.")
        return cls(vocabulary, options, float(facts["mean_rating"]), starts, words, weights, arrays["popularity"])


def _bag(data: TrainingData, film: int) -> Iterator[str]:
    """The words of a film, each with its kind before it: that of an option."""
    yield from (f"genres:{genre}" for genre in data.genres[film])
    for kind, lists in data.labels.items():
        words = lists[film][:_BILLED] if kind == "cast" else lists[film]
        yield from (f"{'keywords' if kind == 'tags' else kind}:{word}" for word in words)
    yield from (f"title:{word}" for word in _WORD.findall(data.titles[film]))
