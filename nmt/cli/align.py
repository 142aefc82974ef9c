"""`nmt align`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from nmt.cli.options import AsJson, Checkpoint, Device, RunOption
from nmt.cli.streams import say_json, write_stderr

EXAMPLES = (
    "Examples:  nmt align news.en news.fr > links.txt   |   "
    "nmt align news.en news.fr --gold news.gold --json   |   "
    "nmt align news.en news.fr --links intersection --reverse runs/french-english"
)


def align(
    source: Annotated[Path, typer.Argument(help="A text file, one tokenised sentence per line.")],
    target: Annotated[Path, typer.Argument(help="Its translation, line for line.")],
    run: RunOption = None,
    gold: Annotated[
        Path | None, typer.Option(help="Gold links to score against: 0-0 is sure, 0?0 possible.")
    ] = None,
    links: Annotated[str, typer.Option(help="maxima, threshold or intersection.")] = "maxima",
    threshold: Annotated[
        float | None, typer.Option(help="The minimum weight of a link, for --links threshold.")
    ] = None,
    shift: Annotated[int, typer.Option(help="Link word t by row t (0) or row t + 1 (1).")] = 0,
    reverse: Annotated[
        Path | None, typer.Option(help="A run for the other direction: intersect their links.")
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="The text is not tokenised: nmt splits it into words.")
    ] = False,
    checkpoint: Checkpoint = "best",
    device: Device = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at a pair that is too long to be linked.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Link the words of texts and their translations by a run's attention, in Pharaoh format."""
    from nmt.checkpoint.run import open_run
    from nmt.cli.places import readable
    from nmt.workflows import align as workflow

    source, target, *golds = readable(source, target, *([] if gold is None else [gold]))
    align_options = workflow.AlignOptions(
        links, threshold, shift, plain, checkpoint, device, strict
    )
    alignment = workflow.align(
        open_run(run),
        source,
        target,
        options=align_options,
        gold=golds[0] if golds else None,
        reverse=None if reverse is None else open_run(reverse),
    )
    if as_json:
        say_json(alignment.as_dict())
        return
    for line in alignment.lines:
        sys.stdout.write(f"{line}\n")
    if alignment.measured is not None:
        write_stderr(str(alignment.measured))
