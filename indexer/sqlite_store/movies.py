"""The catalogue in SQLite: a row a film, its title's n-grams in FTS5."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from indexer.batches import batches
from indexer.checks import id_problem, movie_problem
from indexer.folding import fold_title, ngrams, searched
from indexer.sqlite_store.database import ROWS_A_COMMIT, Database, Row
from indexer.sqlite_store.filters import condition
from indexer.sqlite_store.schema import bump
from indexer.text import text_hash
from indexer.types import EVERYTHING, Failure, Movie, MovieFilter, WriteReport

_LONGEST_TEXT = 1000  # characters of a search text that are read
_MOST_GRAMS = 128
_FIELDS = "id, title, genres, tags, year, imdb_id, tmdb_id, details"
_UPSERT = """
INSERT INTO movies (id, title, genres, tags, year, imdb_id, tmdb_id, details, text_hash, grams)
VALUES (?,?,?,?,?,?,?,?,?,?)
ON CONFLICT (id) DO UPDATE SET title = excluded.title, genres = excluded.genres, tags = excluded.tags,
    year = excluded.year, imdb_id = excluded.imdb_id, tmdb_id = excluded.tmdb_id, details = excluded.details,
    text_hash = excluded.text_hash, grams = excluded.grams
"""


class SqliteMovies:
    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, ids: Sequence[str]) -> dict[str, Movie]:
        rows = self._database.by_ids(f"SELECT {_FIELDS} FROM movies WHERE id", ids)
        return {row[0]: _movie(row) for row in rows}

    def put(self, movies: Iterable[Movie]) -> WriteReport:
        written = 0
        failures: list[Failure] = []
        for batch in batches(movies, ROWS_A_COMMIT):
            rows: list[Row] = []
            for movie in batch:
                problem = movie_problem(movie)
                if problem:
                    failures.append(Failure(movie.id, problem))
                else:
                    rows.append(_row(movie))
            with self._database.writing() as connection:
                connection.executemany(_UPSERT, rows)
                bump(connection)
            written += len(rows)
        return WriteReport(written, tuple(failures))

    def delete(self, ids: Sequence[str]) -> int:
        deleted = 0
        for batch in batches((movie_id for movie_id in ids if id_problem(movie_id) is None), ROWS_A_COMMIT):
            with self._database.writing() as connection:
                version = bump(connection)
                for movie_id in batch:
                    deleted += connection.execute("DELETE FROM movies WHERE id = ?", (movie_id,)).rowcount
                    connection.execute(
                        "UPDATE vectors SET text_hash = NULL, vector = NULL, version = ? WHERE movie_id = ?"
                        " AND generation IN (SELECT generation FROM spaces)",
                        (version, movie_id),
                    )
        return deleted

    def find_titles(self, text: str, limit: int, where: MovieFilter = EVERYTHING) -> list[Movie]:
        grams = searched(text[:_LONGEST_TEXT])[:_MOST_GRAMS]
        if not grams or limit < 1:
            return []
        passes, values = condition(where)
        rows = self._database.rows(
            f"SELECT {_FIELDS} FROM titles JOIN movies ON movies.number = titles.rowid"
            f" WHERE titles MATCH ? AND {passes} ORDER BY bm25(titles), id LIMIT ?",
            (" OR ".join(f'"{token}"' for token in map(_token, grams)), *values, limit),
        )
        return [_movie(row) for row in rows]

    def matching(self, where: MovieFilter, limit: int) -> list[str]:
        passes, values = condition(where)
        sql = f"SELECT id FROM movies WHERE {passes} ORDER BY id LIMIT ?"
        return [row[0] for row in self._database.rows(sql, (*values, max(limit, 0)))]

    def genres(self) -> dict[str, int]:
        sql = "SELECT value, count(DISTINCT movies.number) FROM movies, json_each(movies.genres) GROUP BY value"
        return {genre: int(films) for genre, films in self._database.rows(sql)}

    def pending(self) -> Iterator[Movie]:
        stale = (
            f"SELECT {_FIELDS} FROM movies WHERE text_hash IS NOT (SELECT vectors.text_hash FROM vectors"
            " WHERE generation = (SELECT generation FROM state) AND movie_id = id) AND id > ? ORDER BY id LIMIT ?"
        )
        return map(_movie, self._database.pages(stale))

    def scan(self) -> Iterator[Movie]:
        return map(_movie, self._database.pages(f"SELECT {_FIELDS} FROM movies WHERE id > ? ORDER BY id LIMIT ?"))

    def count(self) -> int:
        row = self._database.row("SELECT count(*) FROM movies")
        return int(row[0]) if row else 0


def rehash(database: Database, recipe: int) -> None:
    """If the text recipe has changed since the file was written, hash every film anew: all become pending."""
    if database.row("SELECT 1 FROM state WHERE recipe <> ?", (recipe,)):
        with database.writing() as connection:
            rows = connection.execute(f"SELECT {_FIELDS} FROM movies").fetchall()
            hashes = [(text_hash(_movie(row)), row[0]) for row in rows]
            connection.executemany("UPDATE movies SET text_hash = ? WHERE id = ?", hashes)
            connection.execute("UPDATE state SET recipe = ?", (recipe,))
            bump(connection)


def _movie(row: Row) -> Movie:
    movie_id, title, genres, tags, year, imdb_id, tmdb_id, details = row
    plain = Movie(movie_id, title, tuple(json.loads(genres)), tuple(json.loads(tags)), year, imdb_id, tmdb_id)
    return plain if details == "{}" else replace(plain, **_rich(json.loads(details)))


def _rich(details: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in details.items()}


def _details(movie: Movie) -> str:
    """Only what there is, as JSON: most films of most catalogues have none."""
    values = {name: getattr(movie, name) for name in ("keywords", "cast", "director", "overview")}
    return json.dumps({name: value for name, value in values.items() if value}, ensure_ascii=False)


def _row(movie: Movie) -> Row:
    grams = " ".join(map(_token, ngrams(fold_title(movie.title))))
    return (
        movie.id,
        movie.title,
        json.dumps(movie.genres),
        json.dumps(movie.tags),
        movie.year,
        movie.imdb_id,
        movie.tmdb_id,
        _details(movie),
        text_hash(movie),
        grams,
    )


def _token(gram: str) -> str:
    """An n-gram as FTS5's ascii tokenizer keeps it whole, whatever letters it has."""
    return gram if gram.isascii() else gram.encode().hex()
