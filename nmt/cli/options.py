"""Options that several commands share, each declared once."""

from pathlib import Path
from typing import Annotated

import typer

ConfigPath = Annotated[Path, typer.Argument(help="A YAML file, or the name of a shipped one.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[SECTION.KEY=VALUE]...", help="Overrides.")
]
RunArgument = Annotated[Path | None, typer.Argument(help="Default: runs/latest.")]
RunOption = Annotated[Path | None, typer.Option("--run", help="Default: runs/latest.")]
AnyRunArgument = Annotated[
    Path | None, typer.Argument(help="A run, or an export. Default: runs/latest.")
]
AnyRunOption = Annotated[
    Path | None, typer.Option("--run", help="A run, or an export. Default: runs/latest.")
]
Checkpoint = Annotated[str, typer.Option("--checkpoint", help="best, last or a step number.")]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda or mps.")]
Engine = Annotated[str | None, typer.Option("--engine", help="auto, torch or onnx.")]
Precision = Annotated[
    str | None,
    typer.Option("--precision", help="auto, float32, bfloat16 (torch) or int8 (onnx)."),
]
BeamSize = Annotated[int | None, typer.Option("--beam-size", "-b", help="1 is greedy search.")]
Shortlist = Annotated[
    int | None,
    typer.Option("--shortlist", help="Candidates per source piece; 0 is the whole vocabulary."),
]
LengthPenalty = Annotated[
    float | None, typer.Option("--length-penalty", help="0 favours short translations.")
]
BatchTokens = Annotated[int | None, typer.Option("--batch-tokens", help="Source tokens per batch.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
