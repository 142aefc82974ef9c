"""`nmt bench`."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Measure speed beside the limit of the machine.",
    no_args_is_help=True,
    epilog="Example:  nmt bench train configs/luong.yaml --json",
)


@app.command(epilog="Example:  nmt bench train configs/luong.yaml training.batch_tokens=2048")
def train(
    config: Annotated[Path, typer.Argument(help="A YAML file, or the name of a shipped one.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[SECTION.KEY=VALUE]...", help="Overrides.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Target tokens a second in training, padding, memory, and the matrix-product peak."""
    from nmt.config import load
    from nmt.workflows.bench import bench_training

    found = bench_training(load(config, overrides or ()))
    typer.echo(json.dumps(found.as_dict()) if as_json else str(found))
