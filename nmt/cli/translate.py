"""`nmt translate`."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from nmt.cli.options import (
    AnyRunOption,
    BatchTokens,
    BeamSize,
    Checkpoint,
    Device,
    Engine,
    LengthPenalty,
    Precision,
    Shortlist,
)
from nmt.cli.streams import reason, write_stderr

if TYPE_CHECKING:
    from nmt.evaluation.records import AttentionRecord

EXAMPLES = (
    'Examples:  nmt translate "I love you"   |   nmt translate < in.txt > out.txt   |   '
    'nmt translate "I love you" --show-attention --n-best 3'
)
LONGEST = 1 << 20  # bytes; a longer line is not read


def translate(
    text: Annotated[
        list[str] | None,
        typer.Argument(help="Sentences, one per argument; one that starts with '-' after '--'."),
    ] = None,
    input: Annotated[
        Path | None,
        typer.Option("--input", "-i", help="A file, one sentence per line; - is standard input."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write a file instead of standard output."),
    ] = None,
    format: Annotated[str, typer.Option(help="text, tsv or jsonl.")] = "text",
    beam_size: BeamSize = None,
    n_best: Annotated[int | None, typer.Option(help="Translations per sentence.")] = None,
    length_penalty: LengthPenalty = None,
    batch_tokens: BatchTokens = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at a line that is too long; do not cut it.")
    ] = False,
    attention: Annotated[
        Path | None, typer.Option(help="Also write the attention records (JSON lines) here.")
    ] = None,
    maps: Annotated[
        bool, typer.Option("--maps", help="Keep every layer and head in the attention records.")
    ] = False,
    show_attention: Annotated[
        bool, typer.Option("--show-attention", help="Print the attention as a table.")
    ] = False,
    run: AnyRunOption = None,
    checkpoint: Checkpoint = "best",
    device: Device = None,
    engine: Engine = None,
    precision: Precision = None,
    shortlist: Shortlist = None,
) -> None:
    """Translate sentences: arguments, a file, standard input, or as you type."""
    from nmt.imports import first_import

    with first_import("numpy"):
        from nmt.checkpoint.run import open_run
        from nmt.cli.arguments import texts
        from nmt.cli.decoding import changed
        from nmt.cli.places import DASH, STDIN, STDOUT, is_stream, named, refuse_clashes, written
        from nmt.errors import UsageError
        from nmt.workflows.inference.load import load_trained
        from nmt.workflows.translate import BLOCK, forms, translating

    if text and input is not None:
        raise UsageError("TEXT and --input are both given: choose one")
    sentences = texts(text or [])
    form = forms[format]
    refuse_clashes(
        {} if text else {"--input": input or DASH},
        {"--output": output or DASH, "--attention": attention},
    )
    chosen = open_run(run)
    config = chosen.read_config()
    decoding = changed(
        config.decoding,
        beam_size=beam_size,
        n_best=n_best,
        length_penalty=length_penalty,
        batch_tokens=batch_tokens,
        engine=engine,
        precision=precision,
        shortlist=shortlist,
    )
    trained = load_trained(
        chosen, checkpoint=checkpoint, device=device, decoding=decoding, config=config
    )
    to_stdout = is_stream(output, STDOUT)
    typed = not text and is_stream(input, STDIN) and sys.stdin.isatty()
    lines = sentences or (_typed() if typed else _read(input, strict=strict))
    with (
        nullcontext(sys.stdout) if output is None or to_stdout else written(output) as file,
        translating(
            trained,
            lines,
            decoding,
            attention=None if attention is None else named(attention, STDOUT),
            maps=maps,
            strict=strict,
            block=1 if typed else BLOCK,
        ) as results,
    ):
        for translated, records in results:
            print(form(translated, decoding.n_best), file=file, flush=to_stdout)  # noqa: T201  # it is data
            if show_attention:
                _show(records)


def _read(path: Path | None, *, strict: bool) -> Iterator[str | None]:
    """The lines of a file, or of standard input.

    Raises:
        DataError: it cannot be read.
    """
    from nmt.cli.places import STDIN, is_stream
    from nmt.errors import DataError

    if path is not None and is_stream(path, STDIN):
        path = None
    name = "standard input" if path is None else str(path)
    try:
        with sys.stdin.buffer if path is None else path.open("rb") as file:
            yield from _lines(file, name, strict=strict)
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {reason(error)}") from error


def _lines(file: BinaryIO, name: str, *, strict: bool) -> Iterator[str | None]:
    """The lines, which end only at a line feed; None for one that is too long to be read.

    Raises:
        DataError: one is not UTF-8, or too long and `strict`.
    """
    from nmt.errors import DataError

    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST and not line.endswith(b"\n"):
            if strict:
                raise DataError(
                    f"{name}:{number}: longer than {LONGEST:,} bytes: split it into sentences, "
                    "one per line"
                )
            while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
                pass
            yield None
            continue
        try:
            yield line.decode("utf-8").removesuffix("\n")
        except UnicodeDecodeError:
            hint = "; it looks like UTF-16" if line[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
            raise DataError(
                f"{name}:{number}: not UTF-8{hint}; convert the file to UTF-8"
            ) from None


def _typed() -> Iterator[str]:
    """Lines that a person types at a terminal, one at a time.

    Raises:
        DataError: the terminal is gone.
    """
    from nmt.cli.arguments import as_utf8
    from nmt.errors import DataError

    while True:
        write_stderr("> ", end="")
        try:
            line = as_utf8(input())
        except EOFError:
            return
        except ValueError:
            write_stderr("nmt: that line is not UTF-8: set the terminal to UTF-8 and type it again")
            continue
        except OSError as error:
            raise DataError(f"the terminal cannot be read: {reason(error)}") from error
        yield line


def _show(records: "Sequence[AttentionRecord]") -> None:
    from nmt.cli.app import colored
    from nmt.plots.terminal import table

    for record in records:
        write_stderr(
            table(record, color=colored()) if record.looks else "(this model has no attention)"
        )
