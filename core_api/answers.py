"""The shapes of the answers, as `/docs` shows them; and how use cases' values become them."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, Field, FiniteFloat

from core_api.wishes import Answer, Item
from indexer.types import Movie, Rating


class PlainItem(BaseModel):
    id: str
    movie_id: str
    title: str | None = Field(None, description="With returnMetadata, like genres and tags")
    genres: str | list[str] | None = None
    tags: str | list[str] | None = None


class PlainRecommendations(BaseModel):
    items: list[PlainItem]


class Histories(BaseModel):
    histories: list[str]


class Features(BaseModel):
    features: list[Histories]


class UpdatedRatings(BaseModel):
    updated: dict[str, int] = Field(description="Films rated, by user")
    unknown_movies: list[str] = Field(description="Stored, but not in the catalogue")


class UpdatedMovies(BaseModel):
    updated: list[str]
    vectors: Literal["ready", "pending"]


class Because(BaseModel):
    id: str
    title: str


class RecommendedMovie(BaseModel):
    id: str
    title: str
    year: int | None
    genres: list[str]
    tags: list[str]
    score: FiniteFloat
    because: list[Because]


class Recommendations(BaseModel):
    items: list[RecommendedMovie]
    strategy: Literal["popular", "neighbours", "model"]
    model: str | None
    model_version: str | None
    fallback_reason: str | None
    history_length: int
    unknown_movies: list[str] = Field([], description="Films of the sequence that the catalogue does not know")


class MovieAnswer(BaseModel):
    id: str
    title: str
    year: int | None
    genres: list[str]
    tags: list[str]
    imdb_id: str | None
    tmdb_id: str | None


class StoredMovie(MovieAnswer):
    vectors: Literal["ready", "pending"]


class ScoredMovie(MovieAnswer):
    score: FiniteFloat


class FoundMovies(BaseModel):
    items: list[ScoredMovie]
    mode: Literal["title", "semantic", "hybrid"]
    fallback_reason: str | None


class SimilarMovies(BaseModel):
    items: list[ScoredMovie]
    fallback_reason: str | None


class RatingAnswer(BaseModel):
    movie_id: str
    title: str | None = Field(description="null for a film that the catalogue does not know")
    rating: FiniteFloat
    timestamp: int


class RatingsPage(BaseModel):
    items: list[RatingAnswer]
    total: int
    next: str | None = Field(description="Give it as cursor to get the next page; null on the last one")


class ImportedRow(BaseModel):
    row: int = Field(description="Names the row in `choose`")
    file: str
    line: int = Field(description="Where the row begins; in JSON the number of the entry")
    title: str | None
    year: int | None
    kind: Literal["rated", "liked", "watched"]
    rating: FiniteFloat | None = Field(description="What is stored: for liked and watched what that stands for")
    movie: Because | None
    matched_by: str | None
    effect: Literal["new", "changed", "same", "kept", "repeated"] | None = Field(
        description="kept: the rating that is there stays; repeated: another row of the file counts for this film"
    )
    candidates: list[Because] = Field(description="Films that may be meant")
    reason: str | None


class SetAsideRow(BaseModel):
    file: str
    line: int
    reason: str
    text: str


class ImportAnswer(BaseModel):
    source: str
    committed: bool
    written: int
    counts: dict[str, int]
    matched: list[ImportedRow]
    ambiguous: list[ImportedRow]
    unmatched: list[ImportedRow]
    set_aside: list[SetAsideRow]


def plain_item(item: Item, *, metadata: bool, as_list: bool) -> dict[str, Any]:
    movie = item.movie
    plain: dict[str, Any] = {"id": movie.id, "movie_id": movie.id}
    if metadata:
        plain["title"] = movie.title
        plain["genres"] = list(movie.genres) if as_list else "|".join(movie.genres)
        plain["tags"] = list(movie.tags) if as_list else "|".join(movie.tags)
    return plain


def recommendations(answer: Answer) -> dict[str, Any]:
    return {
        "items": [
            {
                "id": item.movie.id,
                "title": item.movie.title,
                "year": item.movie.year,
                "genres": list(item.movie.genres),
                "tags": list(item.movie.tags),
                "score": item.score,
                "because": [{"id": liked.id, "title": liked.title} for liked in item.because],
            }
            for item in answer.items
        ],
        "strategy": answer.strategy,
        "model": answer.model,
        "model_version": answer.model_version,
        "fallback_reason": answer.fallback_reason,
        "history_length": answer.history_length,
        "unknown_movies": list(answer.unknown),
    }


def movie(film: Movie, **more: Any) -> dict[str, Any]:
    return {
        "id": film.id,
        "title": film.title,
        "year": film.year,
        "genres": list(film.genres),
        "tags": list(film.tags),
        "imdb_id": film.imdb_id,
        "tmdb_id": film.tmdb_id,
        **more,
    }


def rating(row: Rating, film: Movie | None) -> dict[str, Any]:
    title = film.title if film is not None else None
    return {"movie_id": row.movie_id, "title": title, "rating": row.rating, "timestamp": row.timestamp}


def to_json(document: Any) -> bytes:
    """Compact UTF-8; refuses what JSON has no word for."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
