"""A user's own data to take along: all of it as JSON, or the ratings as Letterboxd's import takes them."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

from core_api.rate import Ratings
from indexer.folding import natural_title
from indexer.ports import Stores
from indexer.types import Movie, Rating
from service_kit.errors import NotFound

FORMAT = 1
_COLUMNS = ("tmdbID", "imdbID", "Title", "Year", "Rating10", "WatchedDate")


class Takeout:
    def __init__(self, stores: Stores, ratings: Ratings) -> None:
        self._stores = stores
        self._ratings = ratings

    def document(self, user_id: str) -> dict[str, Any]:
        """Everything that is stored of the user. Importing it again restores the ratings."""
        user, rows = self._stores.users.user(user_id), self._rows(user_id)
        return {
            "marquee_export": FORMAT,
            "user_id": user_id,
            "attributes": dict(user.attributes) if user else {},
            "ratings": [
                {
                    "movie_id": rating.movie_id,
                    "title": film.title if film else None,
                    "year": film.year if film else None,
                    "imdb_id": film.imdb_id if film else None,
                    "tmdb_id": film.tmdb_id if film else None,
                    "rating": rating.rating,
                    "timestamp": rating.timestamp,
                }
                for rating, film in rows
            ],
        }

    def letterboxd(self, user_id: str) -> str:
        """CSV for Letterboxd's import page; films that the catalogue does not know are left out.

        Its scale is 1 to 10: a rating is rounded to half a star, and 0 becomes the half star that is its lowest.
        """
        out = io.StringIO()
        sheet = csv.writer(out, lineterminator="\n")
        sheet.writerow(_COLUMNS)
        for rating, film in self._rows(user_id):
            if film is not None:
                day = datetime.fromtimestamp(max(rating.timestamp, 0), UTC).date().isoformat()
                title, stars = natural_title(film.title), _of_ten(rating.rating)
                sheet.writerow((film.tmdb_id or "", film.imdb_id or "", title, film.year or "", stars, day))
        return out.getvalue()

    def _rows(self, user_id: str) -> list[tuple[Rating, Movie | None]]:
        """Oldest first. Raises NotFound for a user of whom nothing is stored."""
        history = self._ratings.history(user_id)
        if not len(history) and self._stores.users.user(user_id) is None:
            raise NotFound(f"nothing is stored of user {user_id}")
        films = self._stores.movies.get(history.movie_ids)
        columns = zip(history.movie_ids, history.ratings, history.timestamps, strict=True)
        return [(Rating(*row), films.get(row[0])) for row in columns]


def _of_ten(stars: float) -> int:
    return max(1, int(2 * stars + 0.5))
