"""`nmt evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from nmt.cli.options import (
    AsJson,
    BeamSize,
    Checkpoint,
    Device,
    Engine,
    LengthPenalty,
    Precision,
    RunArgument,
    Shortlist,
)
from nmt.cli.streams import say_json, write_stdout

EXAMPLES = (
    "Examples:  nmt evaluate   |   nmt evaluate runs/luong --split validation --json   |   "
    "nmt evaluate runs/luong --input news.en --reference news.fr"
)


def evaluate(
    run: RunArgument = None,
    split: Annotated[str, typer.Option(help="test, validation or train.")] = "test",
    input: Annotated[Path | None, typer.Option("--input", "-i", help="Source sentences.")] = None,
    reference: Annotated[Path | None, typer.Option(help="Their translations.")] = None,
    beam_size: BeamSize = None,
    length_penalty: LengthPenalty = None,
    checkpoint: Checkpoint = "best",
    device: Device = None,
    engine: Engine = None,
    precision: Precision = None,
    shortlist: Shortlist = None,
    as_json: AsJson = False,
) -> None:
    """Score a run with BLEU, chrF and TER; save hypotheses and attention of every sentence."""
    from nmt.checkpoint.run import open_run
    from nmt.cli.decoding import changed
    from nmt.cli.places import readable
    from nmt.data.corpus.types import SPLITS
    from nmt.errors import UsageError, unknown
    from nmt.workflows import evaluate as workflow

    if (input is None) != (reference is None):
        raise UsageError("--input and --reference go together")
    chosen = open_run(run)
    decoding = changed(
        chosen.read_config().decoding,
        beam_size=beam_size,
        length_penalty=length_penalty,
        n_best=1,
        engine=engine,
        precision=precision,
        shortlist=shortlist,
    )
    if input is not None and reference is not None:
        input, reference = readable(input, reference)
        evaluation = workflow.evaluate_files(
            chosen, input, reference, checkpoint=checkpoint, device=device, decoding=decoding
        )
    else:
        names = [name for name in SPLITS if name == split]
        if not names:
            raise UsageError(unknown("split", split, SPLITS))
        evaluation = workflow.evaluate_split(
            chosen, names[0], checkpoint=checkpoint, device=device, decoding=decoding
        )
    if as_json:
        say_json(evaluation.as_dict())
    else:
        write_stdout(evaluation)
