"""`nmt explain`."""

from pathlib import Path
from typing import Annotated

import typer

from nmt.cli.options import AsJson
from nmt.cli.streams import say_json, write_stdout

EXAMPLES = (
    "Examples:  nmt explain   |   nmt explain cosine   |   "
    "nmt explain transformer --config configs/lecture/31-transformer.yaml"
)


def explain(
    name: Annotated[
        str | None, typer.Argument(help="A score, a decoder, a schedule ...; default: list all.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="A config whose sizes to use.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Formula, shapes, parameters, cost and paper of any component that a config can name."""
    from nmt.config import load
    from nmt.workflows.explain import explain as explained
    from nmt.workflows.explain import listed

    if name is None:
        rows = listed()
        if as_json:
            say_json(rows)
        else:
            write_stdout(as_lines(rows))
        return
    explanations = explained(name, load(config) if config else None)
    if as_json:
        say_json({"pieces": [component.as_dict() for component in explanations]})
    else:
        write_stdout("\n\n".join(map(str, explanations)))


def as_lines(rows: dict[str, dict[str, str]]) -> str:
    """A heading for each kind, and a line for each component."""
    lines: list[str] = []
    for kind, components in rows.items():
        lines += [f"\n{kind}", *(f"  {name:<18}{formula}" for name, formula in components.items())]
    return "\n".join(lines).lstrip("\n")
