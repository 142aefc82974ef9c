"""The application: its commands, what they share, and how failures are told."""

import io
import logging
import os
import sys
from typing import Annotated, NoReturn

import typer

from nmt import __version__
from nmt.errors import NmtError

app = typer.Typer(
    name="nmt",
    help="Train neural machine translation with attention, and look at the attention.",
    epilog="Start with:  nmt train configs/quickstart.yaml   "
    'then:  nmt translate "I love you"   and:  nmt plot-attention',
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


class Settings:
    """What the options before the command decide."""

    debug = False


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"nmt {__version__}")
        raise typer.Exit


@app.callback()
def shared(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only warnings.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train neural machine translation with attention, and look at the attention."""
    Settings.debug = debug
    logger = logging.getLogger("nmt")
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO)
    logger.propagate = False
    for old in list(logger.handlers):
        logger.removeHandler(old)
    logger.addHandler(_handler())


def _handler() -> logging.Handler:
    """Plain lines on standard error; above the progress bar where a person watches."""
    handler = _AboveTheBar() if sys.stderr.isatty() else logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain())
    return handler


class _AboveTheBar(logging.Handler):
    """Lines as they are, printed by the console that also draws the bar."""

    def emit(self, record: logging.LogRecord) -> None:
        from nmt.workflows.display import STDERR

        STDERR.print(self.format(record), soft_wrap=True, markup=False, highlight=False)


class _Plain(logging.Formatter):
    """The message alone, but warnings say that they are."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return f"warning: {text}" if record.levelno == logging.WARNING else text


def main() -> NoReturn:
    """Run a command; a failure that the user can mend is one line, and its kind the exit status."""
    from nmt.cli import commands

    commands.mount(app)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # whatever the locale says: it is data
    try:
        status = app(standalone_mode=False)
    except NmtError as error:
        if Settings.debug:
            raise
        _complain(str(error))
        sys.exit(error.status)
    except typer.TyperException as error:  # an unknown option, a missing argument
        _show_usage(error)
        sys.exit(error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:  # whoever read the output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the end
        sys.exit(0)
    sys.exit(status if isinstance(status, int) else 0)


def colored() -> bool:
    """Whether standard error shows colours, and wants to (https://no-color.org)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def _show_usage(error: typer.TyperException) -> None:
    show = getattr(error, "show", None)  # usage errors point at the command's help
    if show is None:
        _complain(str(error))
    else:
        show()


def _complain(message: str) -> None:
    for line in message.split("\n"):
        typer.secho(f"nmt: {line}", fg="red" if colored() else None, err=True)
