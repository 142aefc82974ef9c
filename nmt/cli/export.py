"""`nmt export`."""

from pathlib import Path
from typing import Annotated

import typer

from nmt.cli.options import Checkpoint, RunArgument
from nmt.cli.streams import write_stderr, write_stdout

EXAMPLES = (
    "Examples:  nmt export   |   nmt export runs/luong --output luong-en-fr   |   "
    'nmt translate "I love you" --run luong-en-fr'
)


def export(
    run: RunArgument = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A folder to write. Default: RUN/export."),
    ] = None,
    precision: Annotated[str, typer.Option(help="float32, int8 or both.")] = "both",
    checkpoint: Checkpoint = "best",
    measure: Annotated[
        bool, typer.Option(help="Compare int8 with float32 on the validation sentences.")
    ] = True,
) -> None:
    """Export a run as ONNX graphs, which translate several times faster and without torch."""
    from nmt.checkpoint.run import open_run
    from nmt.workflows.export import export as write

    exported = write(
        open_run(run), checkpoint=checkpoint, output=output, precision=precision, measure=measure
    )
    for name, size in exported.megabytes.items():
        write_stderr(f"{name}: {size:.1f} MB{', the default' if name == exported.auto else ''}")
    write_stdout(exported.folder)
