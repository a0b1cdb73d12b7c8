"""`marquee evaluate`: models and strategies on one split, best first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from marquee import model_options
from marquee.options import Data, Json, Store
from marquee.output import result, result_json, say, table

if TYPE_CHECKING:
    from recommender_api.comparison import Comparison

BASELINES = ("item_knn", "ease")  # popular and neighbours are always there


def evaluate(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[[LABEL=]NAME[@VERSION]]...",
            help="Which models; without a name the default ones and all baselines.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="MODEL.OPTION=VALUE", help="Fit it with that option; may be repeated."),
    ] = None,
    data: Data = None,
    store: Store = None,
    protocol: Annotated[
        str, typer.Option("--protocol", help="leave-one-out, strict, time or random.")
    ] = "leave-one-out",
    k: Annotated[int, typer.Option("--k", min=1, max=1000, help="Length of the lists that are judged.")] = 10,
    users: Annotated[
        int | None, typer.Option("--users", min=1, metavar="N", help="Rank for N users, drawn once; else for all.")
    ] = None,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Also item_knn and ease, beside models named.")
    ] = False,
    vectors: Annotated[
        bool, typer.Option("--vectors", help="Embed the titles of the data; that of a store has its vectors.")
    ] = False,
    by_history_length: Annotated[
        bool, typer.Option("--by-history-length", help="Also a table with histories cut to their latest films.")
    ] = False,
    lengths: Annotated[str, typer.Option("--lengths", metavar="N,N,...", help="The cuts.")] = "1,3,5,10,20,50",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Also write CSV, JSON, plots and every list that was ranked."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare models with popular and neighbours.

    All films are ranked, those already rated left out; each model is fitted on the training part only. With @VERSION
    that stored version is measured, if it has seen no more. LABEL names a row, so that a model may stand in the table
    twice: ncf plain=ncf --set plain.kind=plain. Intervals are 95 %, p-values those of a paired test against the best
    (docs/evaluation.md).
    """
    from marquee import training
    from marquee.contestants import contestants
    from marquee.settings import SetupSettings
    from marquee.terminal import RichProgress
    from marquee.vectors import with_vectors
    from marquee.wiring import read_settings

    cuts = _cuts(lengths) if by_history_length else ()
    names = models or list(read_settings(SetupSettings).default_models)
    if baselines or not models:
        names = list(dict.fromkeys([*names, *BASELINES]))
    options = model_options.of_settings(settings or (), contestants(names))
    with RichProgress() as progress:
        columns = training.read_data(data, store, progress)
        if vectors and columns.vectors is None:
            columns = with_vectors(columns, progress)
        if not models and columns.vectors is None:
            names = [name for name in names if not training.needs_vectors(name)]
            say("the data has no vectors: neighbours and the models that learn from them are left out")
        found = training.compare(names, columns, protocol, progress, options=options, k=k, lengths=cuts, users=users)
    if out is not None:
        _write(found, out)
    if as_json:
        result_json(_document(found))
    else:
        _show(found)


def _cuts(words: str) -> tuple[int, ...]:
    try:
        found = sorted({int(word) for word in words.split(",")})
    except ValueError:
        found = []
    if not found or found[0] < 1:
        raise typer.BadParameter(f"--lengths takes numbers from 1 on, such as 1,5,20, not {words!r}")
    return tuple(found)


def _write(found: Comparison, out: Path) -> None:
    from recommender_api.evaluation import plots

    found.board.write(out)
    if found.lengths is not None:
        found.lengths.write(out)
    if plots.available():
        plots.draw(found.board, found.lengths, out)
    else:
        say("plots left out: they need matplotlib; pip install 'marquee-recommender[eval]' brings it")


def _document(found: Comparison) -> Any:
    """A row a model, its metrics by name; with a table by history length both under their names."""
    rows = [{**row.pop("metrics"), **row} for row in found.board.document()["rows"]]
    return rows if found.lengths is None else {"rows": rows, "by_history_length": found.lengths.document()["cells"]}


def _show(found: Comparison) -> None:
    for at, (title, header, lines) in enumerate(found.board.tables()):
        if at:
            result()
            result(title)
        table(header, lines)
    if found.lengths is not None:
        result()
        result("By the length of the history that is known")
        table(*found.lengths.table())
