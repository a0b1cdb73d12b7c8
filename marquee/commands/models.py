"""`marquee models`: which versions there are, which one serves; fetch models from elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from marquee.options import Json
from marquee.output import result, result_json, say, table

app = typer.Typer(help="Model versions: list, activate, fetch.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_models(
    every: Annotated[bool, typer.Option("--all", help="Also name the models that were never trained.")] = False,
    as_json: Json = False,
) -> None:
    """Versions on disk with their metrics; which one serves."""
    from marquee.training import recommender_settings
    from recommender_api.model_files import active_version, list_versions
    from recommender_api.models.registry import ranker_names, refused_plugins

    models_dir = recommender_settings().models_dir
    active, stored = active_version(models_dir), list_versions(models_dir)
    rows = [(v.name, v.version, (v.name, v.version) == active, v.metrics) for v in stored]
    never = sorted(set(ranker_names()) - {version.name for version in stored}) if every else []
    for sentence in refused_plugins():
        say(f"warning: {sentence}")
    if as_json:
        keys = ("model", "version", "active", "metrics")
        result_json(
            [dict(zip(keys, row, strict=True)) for row in [*rows, *((name, None, False, {}) for name in never)]]
        )
        return
    shown = [(name, version, "active" if serves else "", figures(metrics)) for name, version, serves, metrics in rows]
    table(["MODEL", "VERSION", "SERVES", "METRICS"], [*shown, *((name, "-", "", "not trained") for name in never)])
    if not stored:
        say(f"no model is trained yet under {models_dir}; marquee train MODEL makes one")


def figures(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())


@app.command()
def activate(
    name: Annotated[str, typer.Argument(help="Model, such as transitions.")],
    version: Annotated[str, typer.Argument(help="Version as `marquee models list` shows it, or newest.")],
) -> None:
    """Let the services follow this version.

    They do within seconds, without a dropped request.
    """
    from marquee.training import recommender_settings
    from recommender_api import model_files

    models_dir = recommender_settings().models_dir
    if version == "newest":
        found = model_files.list_versions(models_dir, name)
        version = found[0].version if found else version
    stored = model_files.activate(models_dir, name, version)
    result(f"{stored.name} {stored.version} is active")


@app.command()
def pull(
    url: Annotated[str, typer.Argument(help="A zip archive with the folder of one version.")],
    sha256: Annotated[str, typer.Option("--sha256", metavar="HEX", help="Of the archive.")],
) -> None:
    """Fetch a trained version, checked; activate it afterwards."""
    from marquee.pull_model import pull as fetch
    from marquee.terminal import RichProgress
    from marquee.training import recommender_settings

    with RichProgress() as progress:
        stored = fetch(url, sha256, recommender_settings().models_dir, progress)
    result(f"{stored.name} {stored.version}: {figures(stored.metrics) or 'no metrics'}")
    say(f"marquee models activate {stored.name} {stored.version} lets the services follow it")


@app.command("pull-embedding")
def pull_embedding(
    name: Annotated[str | None, typer.Argument(help="Model of a hub; without a name the one of the settings.")] = None,
    revision: Annotated[str | None, typer.Option("--revision", help="Commit, tag or branch.")] = None,
) -> None:
    """Fetch a sentence-transformers model, pin its revision."""
    from embedding_generator.pull import pull_embedding as pull
    from embedding_generator.sentence_models import found_here
    from embedding_generator.settings import EmbeddingSettings
    from marquee.wiring import read_settings
    from service_kit.errors import ModelUnavailable

    settings = read_settings(EmbeddingSettings)
    wanted, models_dir = name or settings.embedding_model, settings.embedding_models_dir
    try:
        located = pull(wanted, revision, models_dir)
    except ModelUnavailable as error:
        here = found_here(wanted, revision, models_dir)
        if here is None:
            raise
        say(f"{error.detail}; going on with the copy that is here")
        located = here
    result(f"{located.model} in {located.folder}")
