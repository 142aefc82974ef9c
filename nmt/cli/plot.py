"""`nmt plot-attention`."""

from pathlib import Path
from typing import Annotated

import typer

from nmt.cli.options import Checkpoint, Device, RunOption
from nmt.cli.streams import write_stdout

EXAMPLES = (
    'Examples:  nmt plot-attention   |   nmt plot-attention "I love you" --output love.svg   |   '
    "nmt plot-attention --input runs/luong/evaluation/test/attention.jsonl --output test.html"
)


def plot_attention(
    text: Annotated[list[str] | None, typer.Argument(help="Sentences to translate.")] = None,
    input: Annotated[
        Path | None, typer.Option("--input", "-i", help="An attention file (JSON lines).")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A .png, .svg, .pdf or .html file.")
    ] = Path("attention.png"),
    pieces: Annotated[
        bool, typer.Option("--pieces", help="Show subword pieces instead of words.")
    ] = False,
    maps: Annotated[
        bool, typer.Option("--maps", help="Show every layer and head, in subword pieces.")
    ] = False,
    run: RunOption = None,
    checkpoint: Checkpoint = "best",
    device: Device = None,
) -> None:
    """Draw attention: of the last translations, of new sentences, or of a file."""
    from nmt.checkpoint.run import open_run
    from nmt.cli.arguments import texts
    from nmt.cli.places import STDIN, named, refuse_clashes
    from nmt.errors import UsageError
    from nmt.workflows import plot

    if text and input is not None:
        raise UsageError("TEXT and --input are both given: choose one")
    picture = plot.Picture(output, pieces=pieces, maps=maps)
    refuse_clashes({"--input": input}, {"--output": output})
    if input is not None:
        paths = plot.plot_file(named(input, STDIN), picture)
    elif text:
        paths = plot.plot_sentences(
            open_run(run), texts(text), picture, checkpoint=checkpoint, device=device
        )
    else:
        paths = plot.plot_last(open_run(run), picture, device=device)
    for path in paths:
        write_stdout(path)
