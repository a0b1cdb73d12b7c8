"""`make bench`: everything that the README claims about speed, measured anew, as Markdown tables on stdout.

    python -m benchmarks [--only steps,embedding] [--dataset NAME] [--home DIR]

Works in a MARQUEE_HOME of its own, thrown away afterwards unless one is named. Ratios compare things that took turns
in this one run; absolute figures are this machine's on this day.
"""

from __future__ import annotations

import os
import platform
import random
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.command import chosen, command, in_one_sentence

PARTS = ("steps", "embedding", "inference", "restart", "http", "kmf", "search", "reasons", "fold_in", "ratings")
ON_NOTHING = {"inference"}  # parts that need no films
TEXTS = 2_000  # films of the data set that the embedding benchmark encodes in each round


@in_one_sentence()
def main(part: str | None = None, about: str | None = __doc__) -> None:
    """All parts or those named on the command line; for a module that is called by its name, its own alone."""
    parser = command(about)
    if part is None:
        parser.add_argument("--only", default=",".join(PARTS), help="some of: " + ", ".join(PARTS))
    parser.add_argument("--dataset", default="ml-latest-small", help="what an empty home is filled with")
    parser.add_argument("--home", type=Path, help="a prepared MARQUEE_HOME to go on with, or one to keep")
    given = parser.parse_args()
    wanted = {part} if part else set(chosen(parser, given.only, PARTS))
    with ExitStack() as cleaning:
        home = given.home or cleaning.enter_context(tempfile.TemporaryDirectory(prefix="marquee-bench-"))
        os.environ["MARQUEE_HOME"] = str(home)
        print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
        if wanted - ON_NOTHING and not any(Path(home).iterdir()):
            wanted.add("steps")
        for name in (name for name in PARTS if name in wanted):
            say(f"benchmark: {name}")
            globals()[f"_{name}"](given.dataset)


def _steps(dataset: str) -> None:
    from benchmarks import steps

    rows = [
        (step.what, f"{step.seconds:.1f}", f"{step.items:,} {step.unit}", f"{step.items / step.seconds:,.0f}")
        for step in steps.measure(os.environ, dataset)
    ]
    table("The first start, step by step", ("step", "seconds", "of", "a second"), rows)


def _embedding(_dataset: str) -> None:
    from benchmarks import embedding
    from indexer import open_stores
    from indexer.text import movie_text
    from marquee.wiring import store_settings

    stores = open_stores(store_settings(None).url)
    texts = [movie_text(movie) for movie in stores.movies.scan()]
    stores.close()
    texts = random.Random(42).sample(texts, min(TEXTS, len(texts)))
    rows = [
        (name, f"{rate.texts_per_s:,.0f}", f"{rate.share:.2f}", f"{rate.cpu_share:.2f}")
        for name, rate in embedding.measure(texts, rounds=3).items()
    ]
    table(
        f"Embedding {len(texts):,} films",
        ("how", "films a second", "share of bare encode", "the same in CPU seconds"),
        rows,
    )


def _inference(_dataset: str) -> None:
    from benchmarks import inference

    rows = (
        (
            row.network,
            str(row.history),
            f"{row.films:,}",
            str(row.batch),
            f"{row.ranking_ms:.1f}",
            f"{row.products_ms:.1f}",
            f"{row.ratio:.2f}",
        )
        for row in inference.measure()
    )
    table(
        "Ranking all films with a sequence model, one thread",
        ("network", "films read", "films", "histories at once", "CPU ms", "bare matrix products, CPU ms", "ratio"),
        rows,
    )


def _restart(_dataset: str) -> None:
    from benchmarks import restart

    found = restart.measure(os.environ)
    table(
        "The second start",
        ("ready after", "bare `import torch`", "ratio", "first answer by", "memory when ready", "with the encoder"),
        [
            (
                f"{found.ready_s:.1f} s",
                f"{found.import_torch_s:.1f} s",
                f"{found.ratio:.2f}",
                found.strategy,
                f"{found.memory_ready_mb:.0f} MB",
                f"{found.memory_settled_mb:.0f} MB",
            )
        ],
    )


def _http(_dataset: str) -> None:
    from benchmarks import http

    rows = [
        (
            row.what,
            str(row.connections),
            f"{row.per_second:,.0f}",
            f"{row.share_of_bare:.0%}",
            f"{row.p50_ms:.2f}",
            f"{row.p99_ms:.2f}",
            f"{row.cpu_ms:.2f}",
        )
        for row in http.measure(None, 5.0, say)
    ]
    table(
        "`GET /recommendations`, all users of the data set",
        ("what", "connections", "a second", "of a bare route", "p50 ms", "p99 ms", "CPU ms a request"),
        rows,
    )


def _fold_in(_dataset: str) -> None:
    from benchmarks import fold_in

    table("From a rating to a ranking that knows it", fold_in.HEADER, fold_in.measure())


def _kmf(_dataset: str) -> None:
    from benchmarks import kmf_online
    from marquee.training import read_data
    from service_kit.progress import NoProgress

    table("KMF's online update", kmf_online.HEADER, kmf_online.measure(read_data(None, None, NoProgress())))


def _search(_dataset: str) -> None:
    from benchmarks import search

    rows = [
        (store, row.what, str(row.searches), f"{row.share:.1%} in the first {row.within}", f"{row.p50_ms:.1f}")
        for store, row in search.measure_both(200, say)
    ]
    table("Titles found", ("store", "text", "searches", "found", "p50 ms"), rows)


def _reasons(_dataset: str) -> None:
    from benchmarks import reasons

    rows = [
        (
            name,
            str(row.samples),
            f"{row.with_reasons:.0%}",
            f"{row.ratio:.1f}",
            f"{row.lowered:.1%}",
            f"{row.plain_cpu_ms:.1f}",
            f"{row.explained_cpu_ms:.1f}",
        )
        for name, row in reasons.measure_all(None, 500).items()
    ]
    header = ("who", "samples", "with reasons", "named / random film", "lowered", "CPU ms plain", "CPU ms explained")
    table("What a score loses without the film that is named as its reason", header, rows)


def _ratings(_dataset: str) -> None:
    from benchmarks import ratings
    from marquee import training
    from service_kit.progress import NoProgress

    data = training.read_data(None, None, NoProgress())
    print("\n### Predicted ratings\n")
    for row in ratings.rows(data, ["models", "time"]):
        print(row, flush=True)


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    print(f"\n### {title}\n", f"| {' | '.join(header)} |", "|" + "---|" * len(header), sep="\n", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
