"""Orders the films that a title search caught: exact title first, then beginnings, then words, then likeness.

The stores' `find_titles` is a coarse net, different in each; after this ranking both give the same answer. Titles are
compared folded, with and without their year, and by each of their names: "City of Lost Children, The (Cité des
enfants perdus, La) (1995)" answers to both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rapidfuzz import fuzz

from indexer.folding import fold, fold_title
from indexer.types import Movie, Scored

_EXACT, _PREFIX, _WORDS = 1.0, 0.9, 0.8  # the least score of each kind of match; what is only alike lies below
_STEP = 0.09  # how far a score rises above the least one of its kind
_LEAST = 0.45  # less like than this is not what was meant
_PARENTHESIS = re.compile(r"\(([^()]*)\)")
_YEAR = re.compile(r"\s*\(\d{4}(?:[-–]\d{0,4})?\)\s*$")
_ALSO_KNOWN = re.compile(r"^a\.?k\.?a\.?\s+", re.IGNORECASE)
_ARTICLE = re.compile(r"^(the|a|an|la|le|les|el|los|las|il|der|die|das) ")


def rank_titles(text: str, candidates: Sequence[Movie], limit: int) -> list[Scored]:
    """The best `limit` candidates with a score of 0.45 to 1, best first; ties by id."""
    query = fold_title(text)
    if not query:
        return []
    scored = [Scored(movie.id, score(query, movie.title)) for movie in candidates]
    likely = [film for film in scored if film.score >= _LEAST]
    return sorted(likely, key=lambda film: (-film.score, film.id))[: max(limit, 0)]


def score(query: str, title: str) -> float:
    """How well a folded query fits a title, 0 to 1: 1 is its name or its name and year."""
    return max(_likeness(query, name) for name in names(title))


def names(title: str) -> list[str]:
    """All that a title may be called, folded: whole, without year, and each name in it with and without the year."""
    bare = _YEAR.sub("", title)
    year = fold(title[len(bare) :])
    others = [_ALSO_KNOWN.sub("", name.strip()) for name in _PARENTHESIS.findall(bare)]
    single = [fold_title(name) for name in (_PARENTHESIS.sub("", bare), *others)]
    found = [fold_title(bare), *single]
    return [name for base in dict.fromkeys(found) if base for name in (base, f"{base} {year}".strip())] or [fold(title)]


def _likeness(query: str, name: str) -> float:
    if query == name:
        return _EXACT
    bare_query, bare_name = _ARTICLE.sub("", query), _ARTICLE.sub("", name)
    if bare_query == bare_name:
        return _EXACT - 0.01
    covered = min(len(query), len(name)) / max(len(query), len(name))
    if name.startswith(query) or bare_name.startswith(query):
        return _PREFIX + _STEP * covered
    *words, last = query.split()
    among = name.split()
    if all(word in among for word in words) and any(word.startswith(last) for word in among):
        return _WORDS + _STEP * covered
    alike = max(fuzz.ratio(query, name), fuzz.ratio(bare_query, bare_name), fuzz.token_sort_ratio(query, name)) / 100
    contained = _words_alike(bare_query.split(), among) * (0.6 + 0.4 * covered)
    return _WORDS * max(alike, contained)


def _words_alike(words: Sequence[str], among: Sequence[str]) -> float:
    """0 to 1: how well each word finds its like in the name, long words counting more; for typos in a part of it."""
    found = sum(len(word) * max(fuzz.ratio(word, other) for other in among) for word in words)
    return found / 100 / sum(map(len, words))
