"""Request bodies: what may be sent, and sentences for what may not. Checked whole before anything is written."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, RootModel, model_validator
from pydantic_core import PydanticCustomError

from core_api import boosts
from core_api.catalogue import MovieChange
from core_api.genres import Genres
from core_api.rate import NewRating
from core_api.search import Mode
from core_api.shown import LONGEST, films_of
from core_api.wishes import Aggregate, Wish
from indexer.types import MovieFilter

MAX_ID_CHARS = 128
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")  # halves of a character have no UTF-8 form
_NO_GENRES = "(no genres listed)"


def _mistake(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("mistake", "{sentence}", {"sentence": sentence})


def _id_text(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _mistake("an id is a string or an integer")
    return str(value)


def plain_id(text: str) -> str:
    if not text or len(text) > MAX_ID_CHARS or _CONTROL.search(text) or _NO_TEXT.search(text):
        raise _mistake(f"an id has 1 to {MAX_ID_CHARS} characters, no control characters among them")
    return text


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _comma_separated(value: Any) -> Any:
    return [part.strip() for text in value for part in text.split(",") if part.strip()]


def _seconds(value: Any) -> Any:
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _mistake("a timestamp is a whole number of seconds since 1970")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise _mistake("give a whole number")
    return value


def _stars(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 5:
        raise _mistake("a rating is a number from 0 to 5")
    return value


def _factor(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not boosts.LEAST <= value <= boosts.MOST:
        raise _mistake(f"a boost is a number from {boosts.LEAST:g} to {boosts.MOST:g}")
    return value


def _genre_and_factor(text: str) -> str:
    """ "Sci-Fi:1.5"; raises for what is not of that form."""
    genre, _, factor = text.rpartition(":")
    try:
        _factor(float(factor))
    except ValueError:
        raise _mistake("give a boost as genre:factor, like Sci-Fi:1.5") from None
    if not genre.strip():
        raise _mistake("give a boost as genre:factor, like Sci-Fi:1.5")
    return text


def _names(value: Any) -> Any:
    """ "A|B", or a list, to distinct names in the order given."""
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, str) for part in parts):
        raise _mistake('give a list of strings, or one string like "A|B"')
    names = (name.strip() for part in parts for name in part.split("|"))
    return list(dict.fromkeys(name for name in names if name and name != _NO_GENRES))


def _text(text: str) -> str:
    if _NO_TEXT.search(text):
        raise _mistake("a text has no zero characters and no halves of characters")
    return text


def _readable(text: str) -> str:
    if not text.strip():
        raise _mistake("a title has at least one letter")
    return text


Id = Annotated[str, BeforeValidator(_id_text, json_schema_input_type=str | int), AfterValidator(plain_id)]
QueryId = Annotated[str, AfterValidator(plain_id)]
Ids = Annotated[list[Id], BeforeValidator(_listed, json_schema_input_type=str | int | list[str | int])]
QueryIds = Annotated[list[Id], BeforeValidator(_comma_separated)]
Stars = Annotated[float, BeforeValidator(_stars), Field(ge=0, le=5)]
ManyStars = Annotated[list[Stars], BeforeValidator(_listed, json_schema_input_type=float | list[float])]
Seconds = Annotated[int, BeforeValidator(_seconds), Field(ge=0)]
ManySeconds = Annotated[list[Seconds], BeforeValidator(_listed, json_schema_input_type=int | list[int])]
Title = Annotated[str, Field(max_length=1000), AfterValidator(_text), AfterValidator(_readable)]
Name = Annotated[str, Field(max_length=200), AfterValidator(_text)]
Names = Annotated[list[Name], Field(max_length=1000), BeforeValidator(_names, json_schema_input_type=str | list[str])]
QueryNames = Annotated[list[Name], BeforeValidator(_names), BeforeValidator(_comma_separated)]
Least = Annotated[int, BeforeValidator(_number), Field(ge=0, le=2**31)]
Year = Annotated[int, BeforeValidator(_number), Field(ge=0, le=9999)]
Count = Annotated[int, BeforeValidator(_number), Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Factor = Annotated[float, BeforeValidator(_factor), Field(ge=boosts.LEAST, le=boosts.MOST)]
Boosts = Annotated[dict[Name, Factor], Field(max_length=100)]
QueryBoosts = Annotated[list[Annotated[str, AfterValidator(_genre_and_factor)]], BeforeValidator(_comma_separated)]
Cursor = Annotated[str, AfterValidator(_text)]


def _is_json(value: Any) -> Any:
    """What is not declared as JSON arrives as bytes."""
    if isinstance(value, bytes | str):
        raise _mistake("send JSON, and say so: Content-Type: application/json")
    return value


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _declared(cls, value: Any) -> Any:
        return _is_json(value)


class UserRatings(Body):
    """One user's new ratings, as columns of one length."""

    movie_id: Ids
    ratings: ManyStars | None = None
    rating: ManyStars | None = Field(None, description="The same as ratings; give one of them")
    timestamps: ManySeconds | None = Field(None, description="Seconds; without them the ratings are of now")
    timestamp: ManySeconds | None = Field(None, description="The same as timestamps; give one of them")

    @model_validator(mode="before")
    @classmethod
    def _is_ratings(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise _mistake('give each user an object like {"movie_id": ["1", "3"], "ratings": [4.0, 4.5]}')
        if {"title", "genres", "tags"} & value.keys():
            raise _mistake("this describes a film: send it to POST /update_movie")
        return value

    @model_validator(mode="after")
    def _columns_agree(self) -> UserRatings:
        given = _one_of(self, "ratings", "rating")
        if given is None:
            raise _mistake("ratings are missing")
        if len(given) != len(self.movie_id):
            raise _mistake(f"{len(self.movie_id)} films but {len(given)} ratings: give one rating for each film")
        times = _one_of(self, "timestamps", "timestamp")
        if times is not None and len(times) != len(self.movie_id):
            raise _mistake(f"{len(self.movie_id)} films but {len(times)} timestamps: give one for each film, or none")
        return self

    def rows(self) -> list[NewRating]:
        given = self.ratings if self.ratings is not None else self.rating or []
        times = self.timestamps if self.timestamps is not None else self.timestamp
        return [
            NewRating(movie_id, given[place], times[place] if times is not None else None)
            for place, movie_id in enumerate(self.movie_id)
        ]


def _one_of(body: UserRatings, name: str, other: str) -> list[Any] | None:
    values = [getattr(body, field) for field in (name, other)]
    if None not in values:
        raise _mistake(f"give {name} or {other}, not both")
    first, second = values
    return second if first is None else list(first)


class UpdateRatings(RootModel[Annotated[dict[Id, UserRatings], BeforeValidator(_is_json)]]):
    """`{"<user_id>": {"movie_id": ["1", "3"], "ratings": [4.0, 4.5]}}`"""

    model_config = ConfigDict(json_schema_extra={"example": {"18": {"movie_id": ["1", "3"], "ratings": [4.0, 4.5]}}})

    def rows(self) -> Mapping[str, list[NewRating]]:
        return {user_id: ratings.rows() for user_id, ratings in self.root.items()}


class MovieFields(Body):
    """What is known of a film. For a known one, what is absent stays as it is."""

    title: Title | None = Field(None, description="Kept verbatim; required for a new film")
    genres: Names | None = Field(None, description='A list, or "Action|Crime"')
    tags: Names | None = Field(None, description='A list, or "fun|pixar"')
    year: Year | None = Field(None, description="Taken from the title if it ends with one")
    imdb_id: Name | None = None
    tmdb_id: Name | None = None
    keywords: Names | None = Field(None, description="What it is about; embedded, like the three that follow")
    cast: Names | None = Field(None, description="As billed")
    director: Names | None = None
    overview: Annotated[str, Field(max_length=5000), AfterValidator(_text)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_a_film(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise _mistake('give each film an object like {"title": "Heat (1995)", "genres": "Action|Crime"}')
        if {"movie_id", "rating", "ratings"} & value.keys():
            raise _mistake("these are ratings: send them to POST /update_ratings")
        return value

    def change(self) -> MovieChange:
        fields = self.model_dump(exclude_none=True)
        given: dict[str, Any] = {name: tuple(it) if isinstance(it, list) else it for name, it in fields.items()}
        return MovieChange(**given)


class UpdateMovies(RootModel[Annotated[dict[Id, MovieFields], BeforeValidator(_is_json)]]):
    """`{"<movie_id>": {"title": "Heat (1995)", "genres": "Action|Crime", "tags": "heist"}}`"""

    model_config = ConfigDict(
        json_schema_extra={"example": {"6": {"title": "Heat (1995)", "genres": "Action|Crime", "tags": "heist"}}}
    )

    def changes(self) -> Mapping[str, MovieChange]:
        return {movie_id: fields.change() for movie_id, fields in self.root.items()}


class WholeMovie(MovieFields):
    """A film in place of what was there."""

    title: Title


class OneRating(Body):
    rating: Stars


class Kinds(Body):
    """Which films may come; of the conditions that are given, every one must hold."""

    genres: Names = Field([], description="Films of any of these")
    exclude_genres: Names = Field([], description="No film of any of these")
    year_from: Year | None = None
    year_to: Year | None = Field(None, description="Inclusive; a film without a year fails any condition on years")

    @model_validator(mode="after")
    def _years_in_order(self) -> Self:
        if self.year_from is not None and self.year_to is not None and self.year_from > self.year_to:
            raise _mistake("year_from is after year_to: swap them")
        return self

    def where(self) -> MovieFilter:
        return MovieFilter(frozenset(self.genres), frozenset(self.exclude_genres), self.year_from, self.year_to)


class Rated(Kinds):
    """Also by how many people have rated a film."""

    min_ratings: Least = Field(0, description="No film that fewer people have rated (as of the last computation)")


class Asked(Rated):
    """What may be asked of any recommendation."""

    k: Count = 10
    model: str | None = Field(
        None, max_length=100, description="A model's name, or popular, neighbours, model; none: chosen by what is known"
    )
    exclude: Ids = Field([], description="Never these")
    avoid: Ids = Field([], description="Never these, and less of what is like them")
    diversity: Share = Field(0.0, description="0: best first; 1: as unlike as can be")
    boost: Boosts = Field(
        {},
        description="Factors by genre, 0.2 to 5: a film with factor f at place p is put where p / f would be; one of "
        "several named genres has their product. The scores told stay those of the ranking",
    )
    explain: bool = Field(
        False, description="Name in `because` the rated films that carry each one: without them its score is lower"
    )
    filtered: bool = Field(False, description="Tell in `filtered` what the rules kept out, and by which")
    cursor: Cursor | None = Field(
        None,
        max_length=LONGEST,
        description="`next` of the page before, with the same other parameters: nothing shown so far comes again",
    )

    def wish(self, genres: Genres) -> tuple[Wish, tuple[str, ...]]:
        """The wish, genres spelled as the catalogue does; and genres that the catalogue does not know."""
        where, unknown = genres.read(self.where())
        boost: dict[str, float] = {}
        for name, value in self.factors().items():
            spelled, strange = genres.spelled([name])
            boost.update(dict.fromkeys(spelled, value))
            unknown += strange
        wish = Wish(
            k=self.k,
            where=where,
            min_ratings=self.min_ratings,
            exclude=tuple(self.exclude),
            avoid=tuple(self.avoid),
            shown=films_of(self.cursor),
            model=self.model,
            boost=tuple(sorted(boost.items())),
            diversity=self.diversity,
            explain=self.explain,
            filtered=self.filtered,
        )
        return wish, tuple(dict.fromkeys(unknown))

    def factors(self) -> Mapping[str, float]:
        return self.boost


class AskedInQuery(Asked):
    """The same as query parameters: lists by repeating a name, or separated by commas."""

    genres: QueryNames = []
    exclude_genres: QueryNames = []
    exclude: QueryIds = []
    avoid: QueryIds = []
    boost: QueryBoosts = Field(  # type: ignore[assignment]  # a query has no objects
        [], description="genre:factor, like Sci-Fi:1.5 (0.2 to 5): a film with factor f at place p goes to p / f"
    )

    def factors(self) -> Mapping[str, float]:
        parts = (text.rpartition(":") for text in self.boost)
        return {genre.strip(): float(factor) for genre, _, factor in parts}


class AskedInBody(Asked):
    """For a sequence of liked films, oldest first, or for a group of users; exactly one of the two."""

    sequence: Ids | None = Field(None, description="Films somebody liked, oldest first")
    users: Ids | None = Field(None, description="Several users together: films that none of them has rated")
    aggregate: Aggregate = Field(
        "average",
        description="For several users. average: the sum of 1 / (60 + place) over their own rankings; least_misery: "
        "the worst place that a film has with anybody",
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.sequence is None) == (self.users is None):
            raise _mistake("give either a sequence of films or a list of users")
        if self.users is not None and not self.users:
            raise _mistake("the list of users is empty")
        return self


class SearchQuery(Rated):
    genres: QueryNames = []
    exclude_genres: QueryNames = []
    q: str = Field(min_length=1, description="Part of a title, or what the film is about")
    mode: Mode = "title"
    k: Count = 10


class SimilarQuery(Rated):
    genres: QueryNames = []
    exclude_genres: QueryNames = []
    exclude: QueryIds = Field([], description="Never these")
    diversity: Share = Field(0.0, description="0: nearest first; 1: as unlike as can be")
    k: Count = 10


class FromFilmQuery(Rated):
    user_id: QueryId | None = Field(
        None, description="For whom: nothing they have rated, and what they would rate best"
    )
    genres: QueryNames = []
    exclude_genres: QueryNames = []
    exclude: QueryIds = Field([], description="Never these")
    k: Count = 10


class PageQuery(Body):
    limit: int = Field(100, ge=1)
    cursor: Annotated[str, AfterValidator(_text)] | None = Field(
        None, max_length=20_000, description="`next` of the page before"
    )
