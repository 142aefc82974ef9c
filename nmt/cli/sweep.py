"""`nmt sweep`."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = (
    "Examples:  nmt sweep configs/lecture/*.yaml   |   "
    "nmt sweep configs/luong.yaml configs/bahdanau.yaml data.corpus=phrasebook training.epochs=6   "
    "|   nmt sweep --table-only --folder runs/sweep"
)
FOLDER = Path("runs") / "sweep"


def sweep(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CONFIG... [SECTION.KEY=VALUE]...", help="Configs, and overrides for all."
        ),
    ] = None,
    folder: Annotated[Path, typer.Option(help="Each run is FOLDER/NAME.")] = FOLDER,
    sentence: Annotated[
        list[str] | None, typer.Option(help="A sentence for the page to show; may be repeated.")
    ] = None,
    table_only: Annotated[
        bool, typer.Option("--table-only", help="Train nothing: compare existing runs.")
    ] = False,
) -> None:
    """Train several configs on one corpus, and compare them in a table, a picture and a page.

    Finished runs are not trained again, and interrupted ones are resumed.
    """
    from nmt.errors import UsageError
    from nmt.training.interrupts import Interrupted
    from nmt.workflows.sweep.members import members, members_found
    from nmt.workflows.sweep.page import shown
    from nmt.workflows.sweep.run import compare, refuse_failed, run_sweep

    given = arguments or []
    configs = [Path(argument) for argument in given if "=" not in argument]
    overrides = [argument for argument in given if "=" in argument]
    if not configs and not table_only:
        raise UsageError("no config is given; for example: nmt sweep configs/lecture/*.yaml")
    if not configs and overrides:
        raise UsageError(f"{overrides[0]} overrides nothing, since no config is given")
    sentences = shown(sentence or ())
    chosen = members(configs, overrides, folder) if configs else members_found(folder)
    if table_only:
        chosen = [member.as_trained for member in chosen]
    else:
        try:
            run_sweep(chosen, folder, command=["nmt", *sys.argv[1:]])
        except (Interrupted, KeyboardInterrupt) as stop:
            number = stop.number if isinstance(stop, Interrupted) else 2
            again = shlex.join(["nmt", *sys.argv[1:]])
            typer.echo(f"stopped: everything is saved; go on with:  {again}", err=True)
            raise typer.Exit(128 + number) from None
    for path in compare(chosen, folder, sentences=sentences):
        typer.echo(path)
    if not table_only:
        refuse_failed(chosen, folder)
