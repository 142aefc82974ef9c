"""`nmt translate`."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

if TYPE_CHECKING:
    from nmt.decoding.translator import Translated
    from nmt.evaluation.records import AttentionRecord

EXAMPLES = (
    'Examples:  nmt translate "I love you"   |   nmt translate < in.txt > out.txt   |   '
    'nmt translate "I love you" --show-attention --n-best 3'
)


def translate(
    text: Annotated[list[str] | None, typer.Argument(help="Sentences, one an argument.")] = None,
    input: Annotated[
        Path | None, typer.Option("--input", "-i", help="A file, one sentence a line.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file instead of standard output.")
    ] = None,
    format: Annotated[str, typer.Option(help="text, tsv or jsonl.")] = "text",
    beam_size: Annotated[int | None, typer.Option("--beam-size", "-b", help="1 is greedy.")] = None,
    n_best: Annotated[int | None, typer.Option(help="So many translations of each.")] = None,
    length_penalty: Annotated[float | None, typer.Option(help="0 favours short ones.")] = None,
    batch_tokens: Annotated[int | None, typer.Option(help="Source tokens side by side.")] = None,
    attention: Annotated[
        Path | None, typer.Option(help="Write the attention records (JSON lines) here, too.")
    ] = None,
    maps: Annotated[
        bool, typer.Option("--maps", help="Keep every layer and head in the attention records.")
    ] = False,
    show_attention: Annotated[
        bool, typer.Option("--show-attention", help="Print the matrix as a table.")
    ] = False,
    run: Annotated[
        Path | None, typer.Option(help="A run, or an export. Default: runs/latest.")
    ] = None,
    checkpoint: Annotated[str, typer.Option(help="best, last or a step.")] = "best",
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    engine: Annotated[str | None, typer.Option(help="auto, torch or onnx.")] = None,
    precision: Annotated[
        str | None, typer.Option(help="auto, float32, bfloat16 (torch) or int8 (onnx).")
    ] = None,
) -> None:
    """Translate sentences: arguments, a file, standard input, or as you type."""
    from nmt.checkpoint.run import open_run
    from nmt.cli.decoding import changed
    from nmt.errors import UsageError
    from nmt.workflows.model import load_trained
    from nmt.workflows.translate import forms, translate_lines

    if text and input is not None:
        raise UsageError("TEXT and --input are both given: choose one")
    form = forms[format]
    chosen = open_run(run)
    decoding = changed(
        chosen.read_config().decoding,
        beam_size=beam_size,
        n_best=n_best,
        length_penalty=length_penalty,
        batch_tokens=batch_tokens,
        engine=engine,
        precision=precision,
    )
    trained = load_trained(chosen, checkpoint=checkpoint, device=device, decoding=decoding)
    with nullcontext(sys.stdout) if output is None else _written(output) as file:

        def write(translated: "Translated", records: "Sequence[AttentionRecord]") -> None:
            print(form(translated), file=file, flush=output is None)  # noqa: T201  # it is data
            if show_attention:
                _show(records)

        interactive = not text and input is None and sys.stdin.isatty()
        for lines in _typed() if interactive else [_lines(text, input)]:
            translate_lines(trained, lines, decoding, write=write, attention=attention, maps=maps)


def _lines(text: list[str] | None, path: Path | None) -> Iterator[str]:
    """Lines end at a line feed and nowhere else; a character that is no UTF-8 is an error."""
    from nmt.errors import DataError

    if text:
        yield from text
        return
    name = "standard input" if path is None else str(path)
    number = 0
    try:
        with sys.stdin.buffer if path is None else path.open("rb") as file:
            for line in file:
                yield line.decode("utf-8").removesuffix("\n")
                number += 1
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise DataError(f"{name}:{number + 1}: not UTF-8; convert the file to UTF-8") from None


def _typed() -> Iterator[list[str]]:
    """A line at a time, from a person."""
    while True:
        try:
            typer.echo("> ", nl=False, err=True)
            yield [input()]
        except EOFError:
            return


def _show(records: "Sequence[AttentionRecord]") -> None:
    from nmt.cli.app import colored
    from nmt.plots.terminal import table

    for record in records:
        found = table(record, color=colored()) if record.looks else "(this model has no attention)"
        typer.echo(found, err=True)


@contextmanager
def _written(path: Path) -> Iterator[TextIO]:
    """A text file that appears when all of it is there."""
    from nmt.files import replacing

    with replacing(path) as draft, draft.open("w", encoding="utf-8", newline="\n") as file:
        yield file
