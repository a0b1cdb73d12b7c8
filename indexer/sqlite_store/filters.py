"""A `MovieFilter` as an SQL condition on the table `movies`, its values bound, never written into the text."""

from __future__ import annotations

from indexer.types import MovieFilter


def condition(where: MovieFilter) -> tuple[str, list[object]]:
    """The condition and its parameters; "1" for the empty filter."""
    parts: list[str] = []
    values: list[object] = []
    for genres, test in ((where.genres, "EXISTS"), (where.exclude_genres, "NOT EXISTS")):
        if genres:
            marks = ", ".join("?" * len(genres))
            parts.append(f"{test} (SELECT 1 FROM json_each(movies.genres) WHERE value IN ({marks}))")
            values += sorted(genres)
    for year, comparison in ((where.year_from, ">="), (where.year_to, "<=")):
        if year is not None:
            parts.append(f"movies.year {comparison} ?")  # a film without a year fails both
            values.append(min(max(year, -1), 10_000))  # SQLite's integers end somewhere
    return " AND ".join(parts) or "1", values
