"""`nmt bench`."""

from pathlib import Path
from typing import Annotated

import typer

from nmt.cli.options import (
    AnyRunArgument,
    AsJson,
    BatchTokens,
    BeamSize,
    Checkpoint,
    ConfigPath,
    Device,
    Engine,
    Overrides,
    Precision,
    Shortlist,
)
from nmt.cli.streams import say_json, write_stdout

app = typer.Typer(
    help="Measure speed against the peak of the machine.",
    no_args_is_help=True,
    epilog="Examples:  nmt bench train configs/luong.yaml --json   |   nmt bench decode runs/luong",
)


@app.command(epilog="Example:  nmt bench train configs/luong.yaml training.batch_tokens=2048")
def train(
    config: ConfigPath,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Target tokens per second in training, padding, memory, and the matrix-product peak."""
    from nmt.config import load
    from nmt.workflows.bench import bench_training

    speed = bench_training(load(config, overrides or ()))
    if as_json:
        say_json(speed.as_dict())
    else:
        write_stdout(speed)


@app.command(epilog="Example:  nmt bench decode runs/luong --engine torch --beam-size 1 --json")
def decode(
    run: AnyRunArgument = None,
    input: Annotated[
        Path | None,
        typer.Option("--input", "-i", help="Sentences instead of the test split."),
    ] = None,
    beam_size: BeamSize = None,
    batch_tokens: BatchTokens = None,
    checkpoint: Checkpoint = "best",
    device: Device = None,
    engine: Engine = None,
    precision: Precision = None,
    shortlist: Shortlist = None,
    as_json: AsJson = False,
) -> None:
    """Sentences per second and the latency of one, by each engine, greedy and with beam 5.

    --engine, --precision and --beam-size measure one kind only.
    """
    from nmt.checkpoint.run import open_run
    from nmt.cli.decoding import changed
    from nmt.cli.places import STDIN, named
    from nmt.workflows.bench import BEAM_SIZES, bench_decoding

    chosen = open_run(run)
    decoding = changed(
        chosen.read_config().decoding,
        beam_size=beam_size,
        batch_tokens=batch_tokens,
        n_best=1,
        engine=engine,
        precision=precision,
        shortlist=shortlist,
    )
    source = None if input is None else named(input, STDIN)
    speed = bench_decoding(
        chosen,
        decoding=decoding,
        beam_sizes=BEAM_SIZES if beam_size is None else (beam_size,),
        checkpoint=checkpoint,
        device=device,
        source=source,
    )
    if as_json:
        say_json(speed.as_dict())
    else:
        write_stdout(speed)
