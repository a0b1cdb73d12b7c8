"""One invented data set of 4 films, 3 users and 10 ratings, written by hand in each format of MovieLens.

Every format says the same, as far as it can. `write(folder, FORMATS[name])` makes the files.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from indexer.types import Rating

Files = Mapping[str, bytes]

RATINGS = [
    ("1", Rating("1", 4.0, 1000)),
    ("1", Rating("2", 3.0, 1001)),
    ("1", Rating("3", 5.0, 1002)),
    ("1", Rating("4", 1.0, 900)),
    ("2", Rating("1", 2.0, 2000)),
    ("2", Rating("2", 2.0, 2000)),
    ("2", Rating("4", 5.0, 2001)),
    ("3", Rating("3", 4.0, 3000)),
    ("3", Rating("2", 1.0, 3001)),
    ("3", Rating("1", 3.0, 3002)),
]
TITLES = {
    "1": "Brass Otter (1984)",
    "2": "Été à Vellun (1991)",
    "3": "Glove, The (1977)",
    "4": "Quince, Plum & Sons (2003)",
}
GENRES = {"1": ("Adventure", "Comedy"), "2": ("Drama",), "3": (), "4": ("Comedy", "Crime")}
YEARS = {"1": 1984, "2": 1991, "3": 1977, "4": 2003}

_MOVIES_CSV = """\
movieId,title,genres
1,Brass Otter (1984),Adventure|Comedy
2,Été à Vellun (1991),Drama
3,"Glove, The (1977)",(no genres listed)
4,"Quince, Plum & Sons (2003)",Comedy|Crime
"""
_RATINGS_CSV = """\
userId,movieId,rating,timestamp
1,1,4.0,1000
1,2,3.0,1001
1,3,5.0,1002
1,4,1.0,900
2,1,2.0,2000
2,2,2.0,2000
2,4,5.0,2001
3,3,4.0,3000
3,2,1.0,3001
3,1,3.0,3002
"""
_TAGS_CSV = """\
userId,movieId,tag,timestamp
1,1,brass band,1100
2,1,Otters,2100
3,1,otters,3100
2,4,"plums, mostly",2200
3,4,"the ""good"" son",3300
1,4,"plums, mostly",1200
"""
_LINKS_CSV = """\
movieId,imdbId,tmdbId
1,0000101,201
2,10000102,202
3,0000103,
4,,204
"""
_GENOME = {
    "genome-scores.csv": b"movieId,tagId,relevance\n1,1,0.025\n1,2,0.75\n",
    "genome-tags.csv": b"tagId,tag\n1,brass\n2,otter\n",
}
_CSV = {
    "movies.csv": _MOVIES_CSV.encode(),
    "ratings.csv": _RATINGS_CSV.encode(),
    "tags.csv": _TAGS_CSV.encode(),
    "links.csv": _LINKS_CSV.encode(),
    "README.txt": b"Summary\n=======\n\nInvented: 10 ratings and 6 tag applications across 4 films.\n",
}
_100K = {
    "u.data": b"3\t3\t4\t3000\n1\t1\t4\t1000\n2\t4\t5\t2001\n1\t3\t5\t1002\n2\t1\t2\t2000\n"
    b"1\t2\t3\t1001\n3\t2\t1\t3001\n2\t2\t2\t2000\n1\t4\t1\t900\n3\t1\t3\t3002\n",
    "u.item": (
        "1|Brass Otter (1984)|01-Jan-1984||http://example.org/1|0|0|1|0|0|1|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
        "2|Été à Vellun (1991)|11-Mar-1991||http://example.org/2|0|0|0|0|0|0|0|0|1|0|0|0|0|0|0|0|0|0|0\n"
        "3|Glove, The (1977)|||http://example.org/3|1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
        "4|Quince, Plum & Sons (2003)|05-May-2003||http://example.org/4|0|0|0|0|0|1|1|0|0|0|0|0|0|0|0|0|0|0|0\n"
    ).encode("latin-1"),
    "u.user": b"1|24|M|technician|85711\n2|53|F|other|94043\n3|23|M|writer|T8H1N\n",
    "u.genre": b"unknown|0\nAction|1\nAdventure|2\n\n",
    "u.info": b"3 users\n4 items\n10 ratings\n",
    "u.occupation": b"technician\nother\nwriter\n",
    "u1.base": b"3\t3\t4\t3000\n1\t1\t4\t1000\n2\t4\t5\t2001\n",
    "README": b"MovieLens data sets were collected elsewhere; this one is invented.\n",
}
_1M = {
    "ratings.dat": b"1::1::4::1000\n1::2::3::1001\n1::3::5::1002\n1::4::1::900\n2::1::2::2000\n2::2::2::2000\n"
    b"2::4::5::2001\n3::3::4::3000\n3::2::1::3001\n3::1::3::3002\n",
    "movies.dat": (
        "1::Brass Otter (1984)::Adventure|Comedy\n2::Été à Vellun (1991)::Drama\n"
        "3::Glove, The (1977)::(no genres listed)\n4::Quince, Plum & Sons (2003)::Comedy|Crime\n"
    ).encode("latin-1"),
    "users.dat": b"1::M::25::12::85711\n2::F::50::0::94043\n3::M::18::20::55455-0042\n",
    "README": b"SUMMARY\n",
}
_10M = {
    "ratings.dat": _1M["ratings.dat"].replace(b"::4::1000", b"::4.0::1000"),
    "movies.dat": _1M["movies.dat"].decode("latin-1").encode(),
    "tags.dat": b"1::1::brass band::1100\n2::1::Otters::2100\n3::1::otters::3100\n2::4::plums, mostly::2200\n"
    b'3::4::the "good" son::3300\n1::4::plums, mostly::1200\n1::4::plums::and::sons::1300\n2::3::1984::2300\n',
    "split_ratings.sh": b"#!/bin/sh\n",
}

FORMATS: dict[str, Files] = {
    "ml-100k": _100K,
    "ml-1m": _1M,
    "ml-10m": _10M,
    "ml-20m": {name: content.replace(b"\n", b"\r\n") for name, content in (_CSV | _GENOME).items()},
    "ml-25m": _CSV | _GENOME,
    "ml-32m": _CSV | {"checksums.txt": b"0123456789abcdef0123456789abcdef  ratings.csv\n"},
    "ml-latest": _CSV | _GENOME,
    "ml-latest-small": {name: content.replace(b"\n", b"\r\n") for name, content in _CSV.items()},
}


def write(folder: Path, files: Files) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def write_zip(path: Path, files: Files, inside: str = "") -> Path:
    """An archive of these files, in the folder `inside` of it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(f"{inside}/{name}" if inside else name, data)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.getvalue())
    return path
