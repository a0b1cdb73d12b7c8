"""Words of films (genres, tags, keywords, names) as rows of numbers, over a vocabulary that is settled when fitted.

A word that was not there then is ignored and counted: a catalogue may grow a genre, and no model breaks over it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Words = Sequence[str]  # of one film


@dataclass(frozen=True)
class Labels:
    names: tuple[str, ...]  # G, ascending; lower case

    @classmethod
    def fit(cls, films: Iterable[Words], *, least: int = 1, most: int | None = None) -> Self:
        """The words of at least `least` films; of more than `most`, those that most films have."""
        counts = Counter(word for words in films for word in _normal(words))
        frequent = [word for word, count in counts.items() if count >= least]
        frequent.sort(key=lambda word: (-counts[word], word))
        return cls(tuple(sorted(frequent[:most])))

    def __len__(self) -> int:
        return len(self.names)

    def encode(self, films: Sequence[Words]) -> tuple[csr_array, int]:
        """((F, G) sparse float32, 1 where a film has the word; how many words of the films are not among these)."""
        from scipy.sparse import csr_array

        column = {name: place for place, name in enumerate(self.names)}
        words = [_normal(of_film) for of_film in films]
        known = [[column[word] for word in of_film if word in column] for of_film in words]
        starts = np.concatenate([[0], np.cumsum([len(columns) for columns in known])])
        columns = np.array([place for columns in known for place in columns], np.int64)
        matrix = csr_array((np.ones(len(columns), np.float32), columns, starts), shape=(len(films), len(self)))
        return matrix, sum(map(len, words)) - len(columns)


def _normal(words: Words) -> list[str]:
    """Each word once, without case and outer blanks."""
    return [word for word in dict.fromkeys(word.strip().lower() for word in words) if word]
