"""Exports of other services, by hand in the shapes that those services write, with the mistakes that files have."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from indexer.datasets.settings import DatasetSettings
from indexer.personal import Entry, Export, read_export
from indexer.personal.files import ImportFailed

DAY = 86_400
FIRST_OF_MAY_2023 = 1_682_899_200


def read(content: str | bytes, name: str = "the file") -> Export:
    return read_export(name, content.encode() if isinstance(content, str) else content, DatasetSettings())


def told(entry: Entry) -> tuple[object, ...]:
    return (entry.film.title, entry.film.year, entry.kind, entry.rating, entry.at)


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


RATINGS = """Date,Name,Year,Letterboxd URI,Rating
2023-05-01,Heat,1995,https://boxd.it/a,4.5
2023-05-02,"Good, the Bad and the Ugly, The",1966,https://boxd.it/b,0.5
"""


def test_letterboxd_ratings_keep_their_half_stars_and_days() -> None:
    export = read(RATINGS)
    assert export.source == "letterboxd"
    assert [told(entry) for entry in export.entries] == [
        ("Heat", 1995, "rated", 4.5, FIRST_OF_MAY_2023),
        ("Good, the Bad and the Ugly, The", 1966, "rated", 0.5, FIRST_OF_MAY_2023 + DAY),
    ]
    assert [entry.line for entry in export.entries] == [2, 3]


def test_a_letterboxd_archive_tells_what_was_rated_liked_watched_and_only_wished_for() -> None:
    head = "Date,Name,Year,Letterboxd URI\n"
    export = read(
        zipped(
            {
                "ratings.csv": RATINGS,
                "watched.csv": head + "2023-05-03,Brazil,1985,https://boxd.it/c\n",
                "likes/films.csv": head + "2023-05-03,Alien,1979,https://boxd.it/d\n",
                "watchlist.csv": head + "2023-05-03,Stalker,1979,https://boxd.it/e\n",
                "deleted/diary.csv": head + "2023-05-03,Gone,1999,https://boxd.it/f\n",
                "lists/best.csv": "Letterboxd list export v7\nDate,Name,Tags,URL,Description\n2020-01-01,Best,,u,\n",
                "profile.csv": "Date Joined,Username\n2020-01-01,somebody\n",
            }
        )
    )
    assert {(entry.film.title, entry.kind) for entry in export.entries} == {
        ("Heat", "rated"),
        ("Good, the Bad and the Ugly, The", "rated"),
        ("Brazil", "watched"),
        ("Alien", "liked"),
    }
    assert [(row.file, row.line, row.reason) for row in export.report.rows] == [
        ("watchlist.csv", 2, "on a list of films to see, not seen")
    ]


def test_a_review_with_line_breaks_and_quotes_is_one_entry() -> None:
    export = read(
        "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date\n"
        '2023-05-03,Heat,1995,u,4,,"He said ""heat"".\nTwice,\n\nand left.",,2023-05-01\n'
        "2023-05-04,Ronin,1998,u,,Yes,,,2023-05-02\n"
    )
    assert [told(entry) for entry in export.entries] == [
        ("Heat", 1995, "rated", 4.0, FIRST_OF_MAY_2023),
        ("Ronin", 1998, "watched", None, FIRST_OF_MAY_2023 + DAY),
    ]
    assert [entry.line for entry in export.entries] == [2, 6]


IMDB_NEW = (
    "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres,"
    "Num Votes,Release Date,Directors\n"
)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (
            IMDB_NEW,
            'tt0113277,9,2023-05-01,Heat,Heat,https://x,Movie,8.3,170,1995,"Crime, Drama","700,000",1995-12-15,Mann\n',
        ),
        (
            IMDB_NEW.replace("Original Title,", ""),
            'tt0113277,9,2023-05-01,Heat,https://x,movie,8.3,170,1995,"Crime, Drama","700,000",1995-12-15,Mann\n',
        ),
        ("\ufeffTitle,Const,Your Rating,Year,Date Rated\r\n", "Heat,tt0113277,9,1995,2023-05-01\r\n"),
    ],
    ids=["new columns", "old columns", "another order, CRLF and a byte order mark"],
)
def test_imdb_ratings_are_halved(header: str, row: str) -> None:
    export = read(header + row)
    assert export.source == "imdb"
    [entry] = export.entries
    assert (entry.film.imdb_id, entry.film.title, entry.rating, entry.at) == (
        "tt0113277",
        "Heat",
        4.5,
        FIRST_OF_MAY_2023,
    )


@pytest.mark.parametrize("kind", ["TV Series", "tvSeries", "TV Mini Series", "tvEpisode", "Video Game"])
def test_imdb_series_are_set_aside(kind: str) -> None:
    export = read(
        f"Const,Your Rating,Date Rated,Title,Title Type,Year\ntt0903747,10,2023-05-01,Breaking Bad,{kind},2008\n"
    )
    assert export.entries == []
    assert [row.reason for row in export.report.rows] == ["a series or a game, not a film"]


def test_an_imdb_list_without_ratings_says_nothing_of_having_seen_its_films() -> None:
    export = read("Position,Const,Created,Title,Title Type,Year\n1,tt0113277,2023-05-01,Heat,Movie,1995\n")
    assert export.entries == []
    assert export.report.counts == {"in a list, which says nothing of having seen it": 1}


def trakt(**more: Any) -> dict[str, Any]:
    movie = {"title": "Heat", "year": 1995, "ids": {"trakt": 1, "slug": "heat-1995", "imdb": "tt0113277", "tmdb": 949}}
    return {"type": "movie", "movie": movie, **more}


def test_trakt_ratings_and_views_come_from_a_file_or_from_an_archive_of_pages() -> None:
    rated = [trakt(rated_at="2023-05-01T00:00:00.000Z", rating=9)]
    seen = [
        {
            "plays": 2,
            "last_watched_at": "2023-05-02T00:00:00.000Z",
            "movie": {"title": "Ronin", "year": 1998, "ids": {}},
        },
        {"type": "episode", "episode": {"title": "Pilot"}, "show": {"title": "Lost"}},
    ]
    lone = read(json.dumps(rated))
    assert lone.source == "trakt"
    assert told(lone.entries[0]) == ("Heat", 1995, "rated", 4.5, FIRST_OF_MAY_2023)
    assert (lone.entries[0].film.imdb_id, lone.entries[0].film.tmdb_id) == ("tt0113277", "949")
    both = read(
        zipped(
            {
                "me/ratings/ratings-movies.json": json.dumps(rated),
                "me/watched/watched-movies-1.json": json.dumps(seen),
                "me/lists/lists-watchlist.json": json.dumps([trakt(listed_at="2023-05-01T00:00:00Z")]),
            }
        )
    )
    assert {(entry.film.title, entry.kind) for entry in both.entries} == {("Heat", "rated"), ("Ronin", "watched")}
    assert both.report.counts == {"a series or a game, not a film": 1, "on a list of films to see, not seen": 1}


def test_jellyfin_says_what_was_played_and_what_is_a_favourite() -> None:
    items = [
        {"Name": "Heat", "ProductionYear": 1995, "Type": "Movie", "UserData": {"Played": True, "IsFavorite": True}},
        {
            "Name": "Ronin",
            "ProductionYear": 1998,
            "Type": "Movie",
            "ProviderIds": {"Imdb": "tt0122690", "Tmdb": "8195"},
            "UserData": {"Played": True, "PlayCount": 1, "LastPlayedDate": "2023-05-01T00:00:00.0000000Z"},
        },
        {"Name": "Brazil", "ProductionYear": 1985, "Type": "Movie", "UserData": {"Played": False}},
        {"Name": "Lost", "Type": "Series", "UserData": {"Played": True}},
    ]
    export = read(json.dumps({"Items": items, "TotalRecordCount": 4}))
    assert export.source == "jellyfin"
    assert [told(entry) for entry in export.entries] == [
        ("Heat", 1995, "liked", None, None),
        ("Ronin", 1998, "watched", None, FIRST_OF_MAY_2023),
    ]
    assert export.entries[1].film.imdb_id == "tt0122690"
    assert [(row.line, row.reason) for row in export.report.rows] == [
        (3, "on a list of films to see, not seen"),
        (4, "a series or a game, not a film"),
    ]


def test_plex_ratings_are_of_ten_and_guids_carry_the_ids() -> None:
    films = [
        {
            "type": "movie",
            "title": "Heat",
            "year": 1995,
            "userRating": 9.0,
            "lastViewedAt": FIRST_OF_MAY_2023,
            "Guid": [{"id": "imdb://tt0113277"}, {"id": "tmdb://949"}],
        },
        {"type": "movie", "title": "Ronin", "year": 1998, "viewCount": 1},
        {"type": "movie", "title": "Brazil", "year": 1985},
    ]
    export = read(json.dumps({"MediaContainer": {"size": 3, "Metadata": films}}))
    assert export.source == "plex"
    assert [told(entry) for entry in export.entries] == [
        ("Heat", 1995, "rated", 4.5, FIRST_OF_MAY_2023),
        ("Ronin", 1998, "watched", None, None),
    ]
    assert export.entries[0].film.tmdb_id == "949"


def test_movielens_ratings_name_films_by_its_own_ids() -> None:
    export = read("userId,movieId,rating,timestamp\n7,6,4.0,1682899200\n7,110,0.5,1682899201\n")
    assert export.source == "movielens"
    assert [(entry.film.movie_id, entry.rating, entry.at) for entry in export.entries] == [
        ("6", 4.0, FIRST_OF_MAY_2023),
        ("110", 0.5, FIRST_OF_MAY_2023 + 1),
    ]


def test_a_movielens_file_of_many_people_is_not_taken_for_one_persons() -> None:
    with pytest.raises(ImportFailed, match="ratings of 2 users"):
        read("userId,movieId,rating,timestamp\n7,6,4.0,1\n8,6,4.0,1\n")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2023-05-01,Heat,1995,u,11", "the rating is not one"),
        ("2023-05-01,Heat,1995,u,nan", "the rating is not one"),
        ("2023-05-01,Heat,1995,u,-1", "the rating is not one"),
        ("2023-05-01,,1995,u,3", "names no film"),
        ("2023-05-01,Heat", "cannot be cut into columns"),
        ('2023-05-01,"Heat,1995,u,3', "cannot be cut into columns"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_line_and_costs_no_other(row: str, reason: str) -> None:
    export = read(
        f"Date,Name,Year,Letterboxd URI,Rating\n2023-05-01,Ronin,1998,u,4\n{row}\n2023-05-01,Brazil,1985,u,5\n"
    )
    assert [entry.film.title for entry in export.entries] == ["Ronin", "Brazil"]
    assert [(found.line, found.reason) for found in export.report.rows] == [(3, reason)]


def test_entries_of_the_wrong_types_are_set_aside() -> None:
    bad = [{"movie": 5, "rating": 3}, 7, None, trakt(rating="high"), trakt(rating=True), {"movie": {}}]
    export = read(json.dumps([trakt(rating=9), *bad]))
    assert len(export.entries) == 1
    assert len(export.report) == len(bad)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"hello there", "no export that Marquee knows"),
        (b"a,b,c\n1,2,3\n", "no export that Marquee knows"),
        (b"\x00\x01\x02binary", "is no text"),
        (b"{not json", "damaged JSON"),
        (b"[" * 100_000, "damaged JSON"),
        (b"PK\x03\x04 but not really", "zip archive is damaged"),
        (b"{}", "no export that Marquee knows"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_sentence(content: bytes, words: str) -> None:
    with pytest.raises(ImportFailed, match=words):
        read(content)


def test_an_archive_that_unpacks_without_end_is_refused() -> None:
    bomb = zipped({"ratings.csv": RATINGS + "x" * 30_000_000})
    with pytest.raises(ImportFailed, match="the archive is refused"):
        read(bomb)
