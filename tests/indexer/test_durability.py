"""kill -9 at any moment: every acknowledged rating is there afterwards, and the file is whole."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import indexer
from indexer import open_stores

KILLS = 40

# One import for all kills: a parent that forks a writer, kills it and forks the next. The writer says a number after
# the merge of that number has returned; a film with every tenth, so that title search is written too.
WRITER = """
import os, random, signal, sys, time
from indexer import open_stores
from indexer.types import Movie, Rating

url, kills, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
patience = random.Random(seed)
first = 0
for kill in range(kills):
    read, write = os.pipe()
    writer = os.fork()
    if writer == 0:
        stores = open_stores(url)
        for n in range(first, first + 100_000):
            stores.users.merge(f"user {n % 3}", [Rating(str(n), 3.0, n)])
            if n % 10 == 0:
                stores.movies.put([Movie(str(n), f"Film {n}")])
            os.write(write, f"{n}\\n".encode())
    os.close(write)
    acknowledged = os.read(read, 16)  # it has begun
    time.sleep(patience.uniform(0.0, 0.04))
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    while more := os.read(read, 65536):
        acknowledged += more
    os.close(read)
    sys.stdout.write(acknowledged.decode())
    first = int(acknowledged.split()[-1]) + 2  # the one in between is ambiguous
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
@pytest.mark.slow
def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    path = tmp_path / "marquee.db"
    url = f"sqlite:///{path}"
    ran = subprocess.run(
        [sys.executable, "-c", WRITER, url, str(KILLS), str(seed)],
        cwd=Path(indexer.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    acknowledged = [int(line) for line in ran.stdout.split()]
    assert len(acknowledged) > KILLS
    with closing(open_stores(url)) as stores:
        stored = {film for _, history in stores.users.scan() for film in history.movie_ids}
        lost = [n for n in acknowledged if str(n) not in stored]
        assert lost == [], f"seed {seed}"
        films = [str(n) for n in acknowledged if n % 10 == 0]
        assert len(stores.movies.get(films)) == len(films)
        assert films[-1] in {film.id for film in stores.movies.find_titles(f"film {films[-1]}", 10)}
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        file.execute("INSERT INTO titles (titles, rank) VALUES ('integrity-check', 1)")
