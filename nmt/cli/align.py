"""`nmt align`."""

import json
from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = (
    "Examples:  nmt align news.en news.fr > links.txt   |   "
    "nmt align news.en news.fr --gold news.gold --json   |   "
    "nmt align news.en news.fr --links intersection --reverse runs/french-english"
)


def align(
    source: Annotated[Path, typer.Argument(help="A text file, one tokenised sentence a line.")],
    target: Annotated[Path, typer.Argument(help="Its translation, line for line.")],
    run: Annotated[Path | None, typer.Option(help="Default: runs/latest.")] = None,
    gold: Annotated[
        Path | None, typer.Option(help="Gold links to measure by: 0-0 is sure, 0?0 possible.")
    ] = None,
    links: Annotated[str, typer.Option(help="maxima, threshold or intersection.")] = "maxima",
    threshold: Annotated[
        float | None, typer.Option(help="The least weight of a link, for --links threshold.")
    ] = None,
    shift: Annotated[int, typer.Option(help="Word t is explained by row t (0) or t + 1 (1).")] = 0,
    reverse: Annotated[
        Path | None, typer.Option(help="A run the other way: intersect the links of both.")
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="The text is not tokenised: link nmt's own words.")
    ] = False,
    checkpoint: Annotated[str, typer.Option(help="best, last or a step.")] = "best",
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Link the words of texts and their translations by a run's attention, in Pharaoh format."""
    from nmt.checkpoint.run import open_run
    from nmt.workflows import align as workflow

    choices = workflow.Choices(links, threshold, shift, plain, checkpoint, device)
    found = workflow.align(
        open_run(run),
        source,
        target,
        choices=choices,
        gold=gold,
        reverse=None if reverse is None else open_run(reverse),
    )
    if as_json:
        typer.echo(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    for line in found.lines:
        typer.echo(line)
    if found.measured is not None:
        typer.echo(str(found.measured), err=True)
