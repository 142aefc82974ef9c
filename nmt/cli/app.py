"""The application: its commands, their shared options, and how failures are reported."""

import logging
import os
import sys
from contextlib import suppress
from typing import Annotated, Any, NoReturn

import typer

from nmt import __version__
from nmt.cli.streams import ReaderLeft, reason, standard_streams, write_stderr, write_stdout
from nmt.errors import NmtError, WriteError, printable

LONGEST = 5000  # characters shown of one line
INTERRUPTED = 130  # the exit status after Ctrl-C

app = typer.Typer(
    name="nmt",
    help="Train neural machine translation with attention, and inspect the attention.",
    epilog="Start with:  nmt train configs/quickstart.yaml   "
    'then:  nmt translate "I love you"   and:  nmt plot-attention',
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


class Settings:
    """The options given before the command."""

    debug = False


def _version(asked: bool) -> None:
    if asked:
        write_stdout(f"nmt {__version__}")
        raise typer.Exit


@app.callback()
def shared(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print more.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only warnings.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train neural machine translation with attention, and inspect the attention."""
    Settings.debug = debug
    logger = logging.getLogger("nmt")
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO)
    logger.propagate = False
    for old in list(logger.handlers):
        logger.removeHandler(old)
    logger.addHandler(_handler())


def _handler() -> logging.Handler:
    """Plain lines on standard error; on a terminal, above the progress bar."""
    handler = _AboveTheBar() if sys.stderr.isatty() else _StderrHandler()
    handler.setFormatter(_Plain())
    return handler


class _StderrHandler(logging.Handler):
    """Write lines unchanged; drop them if standard error is closed or full."""

    def emit(self, record: logging.LogRecord) -> None:
        write_stderr(self.format(record))


class _AboveTheBar(logging.Handler):
    """Write lines unchanged, through the console that also draws the progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        from nmt.workflows.train.progress_bar import STDERR

        with suppress(OSError, ValueError):  # the terminal hung up
            STDERR.print(self.format(record), soft_wrap=True, markup=False, highlight=False)


class _Plain(logging.Formatter):
    """The message alone, safe for a terminal; a warning gets a prefix."""

    def format(self, record: logging.LogRecord) -> str:
        lines = super().format(record).split("\n")
        text = "\n".join(printable(line, most=LONGEST) for line in lines)
        return f"warning: {text}" if record.levelno == logging.WARNING else text


def main() -> NoReturn:
    """Run a command. A failure that the user can fix prints one line and sets the exit status."""
    try:
        with standard_streams():
            status = _run()
    except ReaderLeft:  # as in `nmt ... | head`
        status = 0
    except WriteError as error:  # from the last flush
        status = _failed(error)
    except KeyboardInterrupt:
        status = INTERRUPTED
    sys.exit(status)


def _run() -> int:
    from nmt.cli import commands

    commands.mount(app)
    try:
        status = app(prog_name="nmt", standalone_mode=False)
    except NmtError as error:
        return _failed(error)
    except typer.TyperException as error:  # an unknown option, a missing argument
        return _misused(error)
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except (MemoryError, RuntimeError, ImportError) as error:
        if Settings.debug or not _lacks_memory(error):
            raise
        _complain("out of memory; close other programs, or use a smaller batch or beam")
        return NmtError.status
    except OSError as error:  # from a file operation that no command handles itself
        if Settings.debug or error.errno is None:
            raise
        place = "" if error.filename is None else f"{_name(error.filename)}: "
        _complain(f"{place}{reason(error)}")
        return WriteError.status
    return status if isinstance(status, int) else 0


def _lacks_memory(error: Exception) -> bool:
    """Whether an error means that memory ran out; each library words it differently."""
    return isinstance(error, MemoryError) or any(word in str(error) for word in _NO_MEMORY)


_NO_MEMORY = (
    "can't start new thread",
    "Resource temporarily unavailable",
    "could not create a primitive",
    "could not execute a primitive",
    "DefaultCPUAllocator",
    "out of memory",
    "std::bad_alloc",
    "failed to map segment from shared object",
)


def colored() -> bool:
    """Whether to write colours to standard error (https://no-color.org)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def _name(filename: Any) -> str:
    return os.fsdecode(filename) if isinstance(filename, str | bytes | os.PathLike) else filename


def _failed(error: NmtError) -> int:
    if Settings.debug:
        raise error
    _complain(str(error))
    return error.status


def _misused(error: typer.TyperException) -> int:
    """One line for a command line that typer rejects, or the help if it had no arguments."""
    from nmt.cli.usage import complaint, is_bare_command

    if is_bare_command(error):
        write_stderr(error.format_message())
    else:
        _complain(complaint(error))
    return error.exit_code


def _complain(message: str) -> None:
    red, plain = ("\x1b[31m", "\x1b[0m") if colored() else ("", "")
    for line in message.split("\n"):
        write_stderr(f"{red}nmt: {printable(line, most=LONGEST)}{plain}")
