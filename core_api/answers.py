"""The shapes of the answers, as `/docs` shows them; and how use cases' values become them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel, Field, FiniteFloat

from core_api import wishes
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


class ForMember(BaseModel):
    user_id: str
    place: int | None = Field(description="In the member's own ranking, from 1; null if it is not near its top")
    because: list[Because]


class RecommendedMovie(BaseModel):
    id: str
    title: str
    year: int | None
    genres: list[str]
    tags: list[str]
    tmdb_id: str | None
    score: FiniteFloat
    because: list[Because] = Field(
        description="With explain: rated films without which the score would be lower, the strongest first; empty "
        "where none stands out, and for popular"
    )
    for_each: list[ForMember] = Field([], description="For a group: each member's place and reasons")


class KeptOut(BaseModel):
    rule: Literal["seen", "shown", "exclude", "avoid", "genres", "exclude_genres", "years", "min_ratings"]
    count: int
    movies: list[Because] = Field(description="The first few, best first; of seen the latest")


class Filtered(BaseModel):
    of: int = Field(description="Films looked at: the best ones without any rule")
    rules: list[KeptOut] = Field(description="A film counts under the first rule that it breaks; of seen all count")


class Member(BaseModel):
    user_id: str
    strategy: Literal["popular", "neighbours", "model"]
    model: str | None
    fallback_reason: str | None
    history_length: int


class Recommendations(BaseModel):
    items: list[RecommendedMovie]
    strategy: Literal["popular", "neighbours", "model"]
    model: str | None
    model_version: str | None
    fallback_reason: str | None
    history_length: int
    unknown_movies: list[str] = Field(
        [], description="Films of sequence, avoid and exclude that the catalogue does not know (of a sequence)"
    )
    unknown_genres: list[str] = Field([], description="Genres of the request that no film has")
    filtered: Filtered | None = Field(None, description="With filtered: what the rules kept out")
    members: list[Member] = Field([], description="For a group: how each member was ranked for")
    next: str | None = Field(None, description="Give it as cursor to get more films; null when there are no more")


class MovieAnswer(BaseModel):
    id: str
    title: str
    year: int | None
    genres: list[str]
    tags: list[str]
    imdb_id: str | None
    tmdb_id: str | None


class WholeMovieAnswer(MovieAnswer):
    keywords: list[str]
    cast: list[str]
    director: list[str]
    overview: str


class StoredMovie(WholeMovieAnswer):
    vectors: Literal["ready", "pending"]


class ScoredMovie(MovieAnswer):
    score: FiniteFloat


class FoundMovies(BaseModel):
    items: list[ScoredMovie]
    mode: Literal["title", "semantic", "hybrid"]
    fallback_reason: str | None
    unknown_genres: list[str] = Field([], description="Genres of the request that no film has")


class SimilarMovies(BaseModel):
    items: list[ScoredMovie]
    fallback_reason: str | None
    unknown_genres: list[str] = Field([], description="Genres of the request that no film has")


class RecommendedFromFilm(SimilarMovies):
    strategy: Literal["model", "neighbours"]
    models: list[str] = Field(description="That ranked: soup by keywords, and the one that predicts ratings")
    history_length: int


class Genre(BaseModel):
    name: str
    movies: int


class Genres(BaseModel):
    genres: list[Genre] = Field(description="Of the catalogue, those of most films first")


class RatingAnswer(BaseModel):
    movie_id: str
    title: str | None = Field(description="null for a film that the catalogue does not know")
    year: int | None
    genres: list[str]
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


def recommendations(answer: Answer, unknown_genres: Sequence[str], cursor: str | None) -> dict[str, Any]:
    return {
        "items": [
            {
                "id": item.movie.id,
                "title": item.movie.title,
                "year": item.movie.year,
                "genres": list(item.movie.genres),
                "tags": list(item.movie.tags),
                "tmdb_id": item.movie.tmdb_id,
                "score": item.score,
                "because": _named(item.because),
                "for_each": [
                    {"user_id": member.user_id, "place": member.place, "because": _named(member.because)}
                    for member in item.for_each
                ],
            }
            for item in answer.items
        ],
        "strategy": answer.strategy,
        "model": answer.model,
        "model_version": answer.model_version,
        "fallback_reason": answer.fallback_reason,
        "history_length": answer.history_length,
        "unknown_movies": list(answer.unknown),
        "unknown_genres": list(unknown_genres),
        "filtered": _filtered(answer.filtered) if answer.filtered is not None else None,
        "members": [asdict(member) for member in answer.members],
        "next": cursor,
    }


def _filtered(filtered: wishes.Filtered) -> dict[str, Any]:
    rules = [{"rule": out.rule, "count": out.count, "movies": _named(out.movies)} for out in filtered.rules]
    return {"of": filtered.of, "rules": rules}


def _named(films: Sequence[Movie]) -> list[dict[str, str]]:
    return [{"id": film.id, "title": film.title} for film in films]


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


def whole_movie(film: Movie, **more: Any) -> dict[str, Any]:
    lists = {name: list(getattr(film, name)) for name in ("keywords", "cast", "director")}
    return movie(film, **lists, overview=film.overview, **more)


def rating(row: Rating, film: Movie | None) -> dict[str, Any]:
    return {
        "movie_id": row.movie_id,
        "title": film.title if film is not None else None,
        "year": film.year if film is not None else None,
        "genres": list(film.genres) if film is not None else [],
        "rating": row.rating,
        "timestamp": row.timestamp,
    }


def to_json(document: Any) -> bytes:
    """Compact UTF-8; refuses what JSON has no word for."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
