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
_LEADING_ARTICLE = re.compile(r"^(the|a|an|la|le|les|el|los|las|il|der|die|das) ")
_YEAR = re.compile(r"\s*\((\d{4})(?:[-–]\d{0,4})?\)\s*$")

_SHORT = 8  # letters of a text


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


def split_year(title: str) -> tuple[str, str]:
    """The title without the year that ends it, and that year as it stands there: "Heat (1995)" -> "Heat", "(1995)"."""
    bare = _YEAR.sub("", title)
    return bare.strip(), title[len(bare) :].strip()


def without_article(folded: str) -> str:
    """A folded text without the article that begins it: "the matrix" -> "matrix"."""
    return _LEADING_ARTICLE.sub("", folded)


def natural_title(title: str) -> str:
    """As people say it, without the year: "Matrix, The (1999)" -> "The Matrix"."""
    bare, _ = split_year(title)
    moved = _TRAILING_ARTICLE.match(bare)
    if not moved:
        return bare
    between = "" if moved["article"].endswith("'") else " "
    return f"{moved['article']}{between}{moved['rest']}{moved['tail']}"


def searched(text: str) -> list[str]:
    """The n-grams by which a store looks for titles like this text. Its article is of no use: a fifth has one. Two
    letters swapped leave hardly an n-gram of a short text whole, so those of every swap are looked for too."""
    folded = without_article(fold_title(text))
    texts = [folded]
    if len(folded) <= _SHORT:
        texts += [folded[:at] + folded[at + 1] + folded[at] + folded[at + 2 :] for at in range(len(folded) - 1)]
    return list(dict.fromkeys(gram for each in texts for gram in ngrams(each)))


def ngrams(folded: str, size: int = 3) -> list[str]:
    """Distinct n-grams of each word, padded at its ends so that short words and beginnings count: "up" -> _up, up_."""
    grams: dict[str, None] = {}
    for word in folded.split():
        padded = f"_{word}_"
        for start in range(len(padded) - size + 1):
            grams[padded[start : start + size]] = None
    return list(grams)
