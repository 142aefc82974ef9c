"""`nmt evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from nmt.cli.streams import say, say_json

EXAMPLES = (
    "Examples:  nmt evaluate   |   nmt evaluate runs/luong --split validation --json   |   "
    "nmt evaluate runs/luong --input news.en --reference news.fr"
)


def evaluate(
    run: Annotated[Path | None, typer.Argument(help="Default: runs/latest.")] = None,
    split: Annotated[str, typer.Option(help="test, validation or train.")] = "test",
    input: Annotated[Path | None, typer.Option("--input", "-i", help="Source sentences.")] = None,
    reference: Annotated[Path | None, typer.Option(help="Their translations.")] = None,
    beam_size: Annotated[int | None, typer.Option("--beam-size", "-b", help="1 is greedy.")] = None,
    length_penalty: Annotated[float | None, typer.Option(help="0 favours short ones.")] = None,
    checkpoint: Annotated[str, typer.Option(help="best, last or a step.")] = "best",
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    engine: Annotated[str | None, typer.Option(help="auto, torch or onnx.")] = None,
    precision: Annotated[
        str | None, typer.Option(help="auto, float32, bfloat16 (torch) or int8 (onnx).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Score a run with BLEU, chrF and TER; keep hypotheses and the attention of every sentence."""
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
    )
    if input is not None and reference is not None:
        input, reference = readable(input, reference)
        found = workflow.evaluate_files(
            chosen, input, reference, checkpoint=checkpoint, device=device, decoding=decoding
        )
    else:
        names = [name for name in SPLITS if name == split]
        if not names:
            raise UsageError(unknown("split", split, SPLITS))
        found = workflow.evaluate_split(
            chosen, names[0], checkpoint=checkpoint, device=device, decoding=decoding
        )
    if as_json:
        say_json(found.as_dict())
    else:
        say(found)
