"""Orders the films that a title search caught: exact title first, then beginnings, then words, then likeness.

The stores' `find_titles` is a coarse net, different in each; after this ranking both give the same answer. Titles are
compared folded, with and without their year, and by each of their names: "City of Lost Children, The (Cité des
enfants perdus, La) (1995)" answers to both. Typos are counted as people make them: one letter more, less, another, or
two swapped (optimal string alignment).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from indexer.folding import fold, fold_title, split_year, without_article
from indexer.types import Movie, Scored

_EXACT, _PREFIX, _WORDS = 1.0, 0.9, 0.8  # the least score of each kind of match; what is only alike lies below
_STEP = 0.09  # how far a score rises above the least one of its kind
_ALMOST_EXACT = 0.005  # what each difference between an exact match and a better one costs: an article, another name
_LEAST = 0.45  # less like than this is not what was meant
_SHORTEST_BEGINNING = 4  # letters of a text that is taken for the mistyped beginning of a title
_TITLES_KEPT = 20_000  # cut up and folded once while somebody types; some 15 MB
_PARENTHESIS = re.compile(r"\(([^()]*)\)")
_ALSO_KNOWN = re.compile(r"^a\.?k\.?a\.?\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Name:
    """One of the names of a film, folded."""

    text: str
    bare: str  # without its article
    words: tuple[str, ...]
    cost: float  # 0 for the title as a whole


def rank_titles(text: str, candidates: Sequence[Movie], limit: int) -> list[Scored]:
    """The best `limit` candidates with a score of 0.45 to 1, best first; ties by id."""
    query = fold_title(text)
    if not query:
        return []
    asked = _name(query)
    scored = [Scored(movie.id, _score(asked, movie.title)) for movie in candidates]
    likely = [film for film in scored if film.score >= _LEAST]
    return sorted(likely, key=lambda film: (-film.score, film.id))[: max(limit, 0)]


def names(title: str) -> list[str]:
    """All that a title may be called, folded: whole, without year, and each name in it with and without the year."""
    return [name.text for name in _names(title)]


@lru_cache(_TITLES_KEPT)
def _names(title: str) -> tuple[_Name, ...]:
    bare, year = split_year(title)
    others = [_ALSO_KNOWN.sub("", name.strip()) for name in _PARENTHESIS.findall(bare)]
    whole, *single = (fold_title(name) for name in (bare, _PARENTHESIS.sub("", bare), *others))
    found = {
        name: _name(name, 0.0 if base == whole else _ALMOST_EXACT)
        for base in dict.fromkeys((whole, *single))
        if base
        for name in (base, f"{base} {fold(year)}".strip())
    }
    return tuple(found.values()) or (_name(fold(title)),)


def _name(text: str, cost: float = 0.0) -> _Name:
    return _Name(text, without_article(text), tuple(text.split()), cost)


def _score(query: _Name, title: str) -> float:
    """How well a query fits a title, 0 to 1: 1 is its name or its name and year."""
    return max(_likeness(query, name) for name in _names(title))


def _likeness(query: _Name, name: _Name) -> float:
    if query.text == name.text:
        return _EXACT - name.cost
    if query.bare == name.bare:
        return _EXACT - name.cost - 2 * _ALMOST_EXACT
    covered = min(len(query.text), len(name.text)) / max(len(query.text), len(name.text))
    if name.text.startswith(query.text) or name.bare.startswith(query.text):
        return _PREFIX + _STEP * covered
    if _all_words_in(query.words, name.words):
        return _WORDS + _STEP * covered
    alike = max(
        OSA.normalized_similarity(query.text, name.text),
        OSA.normalized_similarity(query.bare, name.bare),
        fuzz.token_sort_ratio(query.text, name.text) / 100,
    )
    begun = _begun(query.bare, name.bare) * (0.9 + 0.1 * covered)
    contained = _words_alike(query.bare.split(), name.words) * (0.6 + 0.4 * covered)
    return _WORDS * max(alike, begun, contained)


def _all_words_in(words: Sequence[str], among: Sequence[str]) -> bool:
    """Whether all are there, the last one perhaps not typed to its end."""
    *whole, last = words
    return all(word in among for word in whole) and any(word.startswith(last) for word in among)


def _begun(query: str, name: str) -> float:
    """0 to 1: how like a longer name's beginning is: "star wras" is one letter swap from a Star Wars of any length."""
    if not _SHORTEST_BEGINNING <= len(query) < len(name):
        return 0.0
    lengths = (len(query) - 1, len(query), len(query) + 1)  # a letter may be too many or missing
    return max(OSA.normalized_similarity(query, name[:length]) for length in lengths)


def _words_alike(words: Sequence[str], among: Sequence[str]) -> float:
    """0 to 1: how well each word finds its like in the name, long words counting more; for typos in a part of it."""
    found = sum(len(word) * max(OSA.normalized_similarity(word, other) for other in among) for word in words)
    return found / max(1, sum(map(len, words)))
