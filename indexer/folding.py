"""One way to fold text, shared by both stores and the ranking of titles, so that all see the same letters.

Elasticsearch and SQLite get text that is already folded and cut into n-grams; neither needs an analyzer of its own.
"""

from __future__ import annotations

import re
import unicodedata

# Letters that Unicode does not decompose into a base letter and an accent.
_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i"})
_NOT_WORD = re.compile(r"[\W_]+")
_TRAILING_ARTICLE = re.compile(
    r"^(?P<rest>.+), (?P<article>the|a|an|la|le|les|l'|el|los|las|il|lo|i|gli|der|die|das|un|une)(?P<tail>(?: \(.*)?)$",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\((\d{4})(?:[-–]\d{0,4})?\)\s*$")


def fold(text: str) -> str:
    """Lower case without accents or punctuation, words separated by one space: "Amélie!" -> "amelie"."""
    bare = text.replace("'", "").replace("’", "")
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", bare).casefold())
    letters = "".join(c for c in decomposed if not unicodedata.combining(c)).translate(_LETTERS)
    return _NOT_WORD.sub(" ", letters).strip()


def fold_title(title: str) -> str:
    """`fold` with a trailing article put first: "Matrix, The (1999)" -> "the matrix 1999"."""
    moved = _TRAILING_ARTICLE.match(title.strip())
    return fold(f"{moved['article']} {moved['rest']}{moved['tail']}" if moved else title)


def year_of(title: str) -> int | None:
    """The year that ends a MovieLens title: "Heat (1995)" -> 1995."""
    found = _YEAR.search(title)
    return int(found[1]) if found else None


def natural_title(title: str) -> str:
    """As people say it, without the year: "Matrix, The (1999)" -> "The Matrix"."""
    bare = _YEAR.sub("", title.strip()).strip()
    moved = _TRAILING_ARTICLE.match(bare)
    if not moved:
        return bare
    between = "" if moved["article"].endswith("'") else " "
    return f"{moved['article']}{between}{moved['rest']}{moved['tail']}"


def ngrams(folded: str, size: int = 3) -> list[str]:
    """Distinct n-grams of each word, padded at its ends so that short words and beginnings count: "up" -> _up, up_."""
    grams: dict[str, None] = {}
    for word in folded.split():
        padded = f"_{word}_"
        for start in range(len(padded) - size + 1):
            grams[padded[start : start + size]] = None
    return list(grams)
