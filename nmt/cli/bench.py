"""`nmt bench`."""

from pathlib import Path
from typing import Annotated

import typer

from nmt.cli.streams import say, say_json

app = typer.Typer(
    help="Measure speed against the limit of the machine.",
    no_args_is_help=True,
    epilog="Examples:  nmt bench train configs/luong.yaml --json   |   nmt bench decode runs/luong",
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
    if as_json:
        say_json(found.as_dict())
    else:
        say(found)


@app.command(epilog="Example:  nmt bench decode runs/luong --engine torch --beam-size 1 --json")
def decode(
    run: Annotated[
        Path | None, typer.Argument(help="A run, or an export. Default: runs/latest.")
    ] = None,
    input: Annotated[
        Path | None, typer.Option("--input", "-i", help="Sentences, instead of the test split.")
    ] = None,
    beam_size: Annotated[int | None, typer.Option("--beam-size", "-b", help="1 is greedy.")] = None,
    batch_tokens: Annotated[int | None, typer.Option(help="Source tokens side by side.")] = None,
    checkpoint: Annotated[str, typer.Option(help="best, last or a step.")] = "best",
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    engine: Annotated[str | None, typer.Option(help="auto, torch or onnx.")] = None,
    precision: Annotated[
        str | None, typer.Option(help="auto, float32, bfloat16 (torch) or int8 (onnx).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Sentences a second in batches, the latency of one, and the matrix-product peak."""
    from nmt.checkpoint.run import open_run
    from nmt.cli.decoding import changed
    from nmt.cli.places import STDIN, named
    from nmt.workflows.bench import bench_decoding

    chosen = open_run(run)
    decoding = changed(
        chosen.read_config().decoding,
        beam_size=beam_size,
        batch_tokens=batch_tokens,
        n_best=1,
        engine=engine,
        precision=precision,
    )
    source = None if input is None else named(input, STDIN)
    found = bench_decoding(
        chosen, decoding=decoding, checkpoint=checkpoint, device=device, source=source
    )
    if as_json:
        say_json(found.as_dict())
    else:
        say(found)
