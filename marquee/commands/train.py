"""`marquee train MODEL`: fit, measure and keep a new version. `--epochs 0` only measures the stored one."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from marquee import model_options
from marquee.options import Data, Json, Store
from marquee.output import result, result_json, say

OPTIONS_OF_ANY_MODEL = {"allow_extra_args": True, "ignore_unknown_options": True}


def train(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="Which model; `marquee models list --all` names them.", metavar="MODEL")],
    data: Data = None,
    store: Store = None,
    protocol: Annotated[
        str, typer.Option("--protocol", help="What is held out: leave-one-out, strict, time or random.")
    ] = "leave-one-out",
    activate: Annotated[bool, typer.Option("--activate", help="Let the services follow the new version.")] = False,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            min=0,
            help="0: only measure the stored version, unless it was fitted on all ratings, as quick models are.",
        ),
    ] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", min=1)] = None,
    hidden_size: Annotated[int | None, typer.Option("--hidden-size", min=1)] = None,
    max_length: Annotated[int | None, typer.Option("--max-length", min=2, help="Films of a sequence.")] = None,
    seed: Annotated[int | None, typer.Option("--seed")] = None,
    test: Annotated[bool, typer.Option("--test", help="Measure on the test too, not only on the validation.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the same command was interrupted.")] = False,
    as_json: Json = False,
) -> int:
    """Train a model and keep it as a new version.

    It learns from the store, or with --data from an exported folder, a data set, or a file of sequences. What is
    printed was measured on the validation.
    Every further option of the model is taken too, such as --learning-rate 0.001; `marquee train MODEL --options`
    lists them with their defaults.
    """
    from marquee import training
    from marquee.terminal import RichProgress
    from recommender_api.transformer.memory import keep_freed_memory

    if "--options" in context.args:
        for field in dataclasses.fields(training.options_of(model)):
            result(f"--{field.name.replace('_', '-')} {field.default}")
        return 0
    named = {
        "epochs": epochs,
        "batch_size": batch_size,
        "hidden_size": hidden_size,
        "max_length": max_length,
        "seed": seed,
    }
    given = {name: value for name, value in named.items() if value is not None}
    given |= model_options.of_flags(training.options_of(model), context.args)
    keep_freed_memory()
    with RichProgress() as progress:
        try:
            trained = training.train(
                model,
                given,
                data,
                store,
                protocol=protocol,
                resume=resume,
                activate=activate,
                test=test,
                progress=progress,
            )
        except KeyboardInterrupt:
            say("stopped; the same command with --resume goes on, if this model keeps checkpoints")
            raise
    if trained is None:
        return 0
    for warning in trained.warnings:
        say(f"warning: {warning}")
    if trained.log_dir is not None:
        say(f"tensorboard --logdir {trained.log_dir}")
    stored = trained.stored
    if as_json:
        result_json({"model": stored.name, "version": stored.version, "metrics": stored.metrics})
    else:
        figures = ", ".join(f"{name} {value:.4f}" for name, value in stored.metrics.items())
        result(f"{stored.name} {stored.version}: {figures or 'nothing to measure'}")
    return 0
