"""The command line `marquee`: one file a command in `marquee.commands`; errors become one sentence and an exit code.

Exit codes: 0 done, 1 could not, 2 wrong call. Results go to stdout, progress and logs to stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from marquee import refusals
from marquee.commands import (
    config,
    embed,
    evaluate,
    export,
    import_,
    load,
    models,
    recommend,
    report,
    search,
    serve,
    setup,
    status,
    train,
    up,
)
from marquee.output import say

INTERRUPTED = 130  # what shells expect of a process ended by Ctrl-C

app = typer.Typer(
    name="marquee",
    help="Movie retrieval and recommendation. Start with: marquee up",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda word: word.replace("_", "-"),  # --batch_size is --batch-size
    },
)


@app.callback()
def options(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """Movie retrieval and recommendation. Start with: marquee up"""


app.command("up")(up.up)
app.command("serve")(serve.serve)
app.command("load")(load.load)
app.command("embed")(embed.embed)
app.command("export")(export.export)
app.command("import")(import_.import_)
app.command("train", context_settings=train.OPTIONS_OF_ANY_MODEL)(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("setup")(setup.setup)
app.command("recommend")(recommend.recommend)
app.command("report")(report.report)
app.command("search")(search.search)
app.command("status")(status.status)
app.add_typer(models.app, name="models")
app.command("config")(config.config)


def main(arguments: Sequence[str] | None = None) -> None:
    # Read when numpy is first imported. Requests are the parallelism: with two BLAS threads a ranking took the same
    # time and twice the CPU, and sixteen at once spun against each other (docs/log.md). PyTorch has threads of its own.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given  # taken anywhere on the line, not only before the command
    sys.exit(run([word for word in given if word != "--debug"], debug))


def run(arguments: list[str], debug: bool) -> int:
    """Run one command and answer its exit code."""
    from service_kit.errors import ServiceError

    try:
        code = typer.main.get_command(app)(arguments, prog_name="marquee", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except typer.TyperException as error:
        return wrong_call(error)
    except ServiceError as error:
        if debug:
            raise
        say(str(error))
        return 1
    except Exception as error:
        if debug:
            raise
        unforeseen = f"This should not happen: {type(error).__name__}: {error}; run it again with --debug to see where."
        say(refusals.sentence(error) or unforeseen)
        return 1


def wrong_call(error: typer.TyperException) -> int:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "marquee"
    message = error.format_message()
    say(message if "Usage:" in message else f"{message.rstrip('.')}; `{path} --help` lists what it takes.")
    return error.exit_code


if __name__ == "__main__":
    main()
