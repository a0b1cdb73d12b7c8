"""What each ranker costs to fit, to load and to ask, and how well it ranks: leave-one-out, full ranking, seen excluded.

    OMP_NUM_THREADS=1 python -m benchmarks.rankers EXPORT|DATASET_FOLDER [--models transitions,regression,forest]

An export (`marquee export DIR`) has text vectors, which `regression` needs; a data set's own folder has none. Costs are
CPU time through the engine, so they hold on a busy machine too; with several threads, waiting would count as work.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TypeVar

from benchmarks.command import chosen, command, in_one_sentence, takes_export
from recommender_api.client import HistoryColumns, RankQuery
from recommender_api.data import TrainingData, read_training_data
from recommender_api.engine import RecommenderEngine
from recommender_api.evaluation.evaluate import evaluate
from recommender_api.evaluation.protocols import LeaveOneOut
from recommender_api.model_files import activate, save_version
from recommender_api.models.registry import options_class, ranker_class, ranker_names

Result = TypeVar("Result")
ROUNDS = 20
LENGTHS = (20, 200, 1000)


@in_one_sentence()
def main() -> None:
    parser = command(__doc__)
    takes_export(parser, or_dataset=True)
    parser.add_argument("--models", default="transitions,regression,forest", help="names with commas between")
    given = parser.parse_args()
    names = chosen(parser, given.models, ranker_names())
    data = read(given.data)
    print(
        f"{len(data):,} ratings, {data.n_users:,} users, {data.n_items:,} films; ms of CPU for histories of {LENGTHS}"
    )
    print("| model | HR@10 | NDCG@10 | fit CPU s | on disk MB | load ms | rank ms |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        print(measure(name, data), flush=True)


def read(folder: Path) -> TrainingData:
    if (folder / "manifest.json").exists():
        return read_training_data(folder)
    from indexer.datasets.dataset import open_dataset
    from indexer.export import export_dataset

    with tempfile.TemporaryDirectory() as temporary:
        export_dataset(open_dataset(folder), Path(temporary) / "export")
        return read_training_data(Path(temporary) / "export")


def measure(name: str, data: TrainingData) -> str:
    kind, options = ranker_class(name), options_class(name)()
    split = LeaveOneOut().split(data)
    fit_s, ranker = cpu(lambda: kind.fit(split.train, options))
    row = evaluate({name: ranker}, split).rows[0]
    with tempfile.TemporaryDirectory() as folder:
        stored = save_version(Path(folder), ranker, {})
        activate(Path(folder), name, stored.version)
        load_s, engine = cpu(lambda: RecommenderEngine(Path(folder), poll_s=3600))
        size = sum(path.stat().st_size for path in stored.folder.iterdir())
        asked = " / ".join(f"{rank_ms(engine, data, length):.1f}" for length in LENGTHS)
        engine.close()
    quality = f"{row.metrics['hr@10']:.4f} | {row.metrics['ndcg@10']:.4f}"
    return f"| {name} | {quality} | {fit_s:.1f} | {size / 1e6:.1f} | {load_s * 1000:.0f} | {asked} |"


def rank_ms(engine: RecommenderEngine, data: TrainingData, length: int) -> float:
    """The median call, ids in and ids out, for the latest ratings of somebody with that many (or of several)."""
    ids = data.vocabulary.ids
    query = RankQuery(
        history=HistoryColumns(
            ids=tuple(ids[row] for row in data.items[:length]),
            ratings=tuple(map(float, data.ratings[:length])),
            timestamps=tuple(map(int, data.timestamps[:length])),
        ),
        k=100,
    )
    engine.rank(query)
    return 1000 * median(cpu(lambda: engine.rank(query))[0] for _ in range(ROUNDS))


def cpu(work: Callable[[], Result]) -> tuple[float, Result]:
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


if __name__ == "__main__":
    main()
