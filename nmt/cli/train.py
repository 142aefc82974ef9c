"""`nmt train`."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from nmt.cli.options import ConfigPath, Overrides

EXAMPLES = (
    "Examples:  nmt train configs/luong.yaml   |   "
    "nmt train configs/quickstart.yaml training.epochs=5 model.dropout=0.3   |   "
    "nmt train configs/luong.yaml --resume"
)


def train(
    config: ConfigPath,
    overrides: Overrides = None,
    run_dir: Annotated[Path | None, typer.Option(help="Default: runs/NAME.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue from the last checkpoint.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Delete the run first.")] = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="Print the setup, train nothing.")] = False,
) -> None:
    """Train a model from a config: data, tokenizer, training, test scores and attention."""
    from nmt.config import load
    from nmt.config.finding import is_stream
    from nmt.errors import UsageError
    from nmt.training.interrupts import Interrupted
    from nmt.workflows.train import train as workflow

    if resume and overwrite:
        raise UsageError("--resume keeps the run and --overwrite deletes it: choose one")
    loaded = load(config, overrides or ())
    if dry:
        workflow.dry_run(loaded)
        return
    folder = run_dir or Path("runs") / loaded.config.name
    request = workflow.Request(folder, resume, overwrite, ["nmt", *sys.argv[1:]])
    try:
        run = workflow.train(loaded, request)
    except Interrupted as stop:
        place = ["--run-dir", str(run_dir)] if run_dir else []
        given = [str(config), *(overrides or ())]
        if is_stream(config):  # cannot be read again: use the run's copy, with its overrides
            given = [str(folder / "config.resolved.yaml")]
        again = shlex.join(["nmt", "train", *given, *place, "--resume"])
        typer.echo(f"{stop}: everything is saved; go on with:  {again}", err=True)
        raise typer.Exit(128 + stop.number) from None
    typer.echo(run.folder)
