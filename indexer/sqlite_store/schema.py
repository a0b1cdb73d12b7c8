"""The tables of the SQLite store and what is checked when a file is opened.

`state` has one row: the version, bumped by every transaction that writes movies, vectors or meta; the generation of
vectors that answers; the text recipe that the hashes of the movies are of. A generation is one set of vectors of one
space: a rebuild writes a hidden one and swaps it in by changing one number. Each vector carries the version that wrote
it, so a reader asks for what is newer than what it has; a deleted one stays as a row without a vector for that reason.
"""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x4D525155  # marks the file as ours
SCHEMA = 2

TABLES = """
CREATE TABLE state (
    version INTEGER NOT NULL, generation INTEGER NOT NULL, recipe INTEGER NOT NULL
);
CREATE TABLE movies (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, genres TEXT NOT NULL, tags TEXT NOT NULL,
    year INTEGER, imdb_id TEXT, tmdb_id TEXT, text_hash TEXT NOT NULL, grams TEXT NOT NULL,
    details TEXT NOT NULL DEFAULT '{}'
);
CREATE VIRTUAL TABLE titles USING fts5 (
    grams, content = movies, content_rowid = number, detail = none, tokenize = "ascii tokenchars '_'"
);
CREATE TRIGGER movies_inserted AFTER INSERT ON movies BEGIN
    INSERT INTO titles (rowid, grams) VALUES (new.number, new.grams);
END;
CREATE TRIGGER movies_deleted AFTER DELETE ON movies BEGIN
    INSERT INTO titles (titles, rowid, grams) VALUES ('delete', old.number, old.grams);
END;
CREATE TRIGGER movies_retitled AFTER UPDATE OF grams ON movies WHEN old.grams <> new.grams BEGIN
    INSERT INTO titles (titles, rowid, grams) VALUES ('delete', old.number, old.grams);
    INSERT INTO titles (rowid, grams) VALUES (new.number, new.grams);
END;
CREATE TABLE spaces (
    generation INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, dimension INTEGER NOT NULL,
    recipe INTEGER NOT NULL
);
CREATE TABLE vectors (
    generation INTEGER NOT NULL, movie_id TEXT NOT NULL, text_hash TEXT, version INTEGER NOT NULL, vector BLOB,
    UNIQUE (generation, movie_id)
);
CREATE INDEX vectors_by_version ON vectors (generation, version);
CREATE TABLE users (
    id TEXT NOT NULL UNIQUE, length INTEGER NOT NULL, movie_ids TEXT NOT NULL, ratings BLOB NOT NULL,
    timestamps BLOB NOT NULL, removed TEXT NOT NULL, attributes TEXT NOT NULL
);
CREATE INDEX users_by_length ON users (length);
CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL);
"""


def identity(connection: sqlite3.Connection) -> tuple[int, int, bool]:
    """Whose file it is, its schema, whether it has no tables yet."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return application, schema, tables == 0


def create(connection: sqlite3.Connection, recipe: int) -> None:
    """Make the tables, inside the caller's transaction."""
    statement = ""
    for line in TABLES.splitlines():  # executescript would commit the transaction
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
    connection.execute("INSERT INTO state VALUES (0, 0, ?)", (recipe,))
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def upgrade(connection: sqlite3.Connection) -> None:
    """From the schema of an earlier version to this one, inside the caller's transaction."""
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    if schema == 1:
        connection.execute("ALTER TABLE movies ADD COLUMN details TEXT NOT NULL DEFAULT '{}'")
    connection.execute(f"PRAGMA user_version = {SCHEMA}")


def bump(connection: sqlite3.Connection) -> int:
    """The version of this transaction; each one that writes movies, vectors or meta takes the next."""
    connection.execute("UPDATE state SET version = version + 1")
    version: int = connection.execute("SELECT version FROM state").fetchone()[0]
    return version
