"""What may come in one answer, and which rule keeps a film out. Rules are looked at in a fixed order; the first counts.

`seen`, `shown`, `exclude`, `avoid` are about ids and known before a film is looked up; `genres`, `exclude_genres`,
`years`, `min_ratings` are about the film. Built per request, used by every strategy through `Selection`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from indexer.types import EVERYTHING, Movie, MovieFilter

SEEN, SHOWN, EXCLUDE, AVOID = "seen", "shown", "exclude", "avoid"
_NO_COUNTS: Mapping[str, int] = {}


class Rules:
    """`kept_out` are ids by the name of their rule; `counts` how often each film was rated, of films rated at all."""

    def __init__(
        self,
        where: MovieFilter = EVERYTHING,
        kept_out: Mapping[str, Collection[str]] | None = None,
        min_ratings: int = 0,
        counts: Mapping[str, int] = _NO_COUNTS,
    ) -> None:
        self.where = where
        self.min_ratings = min_ratings
        self.counts = counts
        self._rule_of: dict[str, str] = {}
        for rule, ids in (kept_out or {}).items():
            for movie_id in ids:
                self._rule_of.setdefault(movie_id, rule)

    @property
    def excluded(self) -> Collection[str]:
        """Ids that never come."""
        return self._rule_of.keys()

    @property
    def about_films(self) -> bool:
        """Whether a film that is not excluded may fail."""
        return not self.where.empty or self.min_ratings > 0

    def rated_enough(self, movie_id: str) -> bool:
        return not self.min_ratings or self.counts.get(movie_id, 0) >= self.min_ratings

    def broken_by(self, movie: Movie) -> str | None:
        """The name of the first rule that keeps this film out; None for one that may come."""
        rule = self._rule_of.get(movie.id) or _condition(movie, self.where)
        return rule or (None if self.rated_enough(movie.id) else "min_ratings")


def _condition(movie: Movie, where: MovieFilter) -> str | None:
    """The condition that the film does not meet; without a year it meets none about years."""
    if where.genres and where.genres.isdisjoint(movie.genres):
        return "genres"
    if not where.exclude_genres.isdisjoint(movie.genres):
        return "exclude_genres"
    if where.year_from is None and where.year_to is None:
        return None
    if movie.year is None:
        return "years"
    above = where.year_from is None or where.year_from <= movie.year
    return None if above and (where.year_to is None or movie.year <= where.year_to) else "years"
