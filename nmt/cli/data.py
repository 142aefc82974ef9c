"""`nmt data`: find a corpus, fetch it, and inspect it before training."""

from dataclasses import asdict
from typing import Annotated

import typer

from nmt.cli.streams import say_json, write_stdout

app = typer.Typer(
    help="List known corpora, fetch one, or inspect one before training.",
    no_args_is_help=True,
    epilog="Examples:  nmt data list   |   nmt data get luong   |   "
    "nmt data check Helsinki-NLP/opus_books --config en-fr",
)
Corpus = Annotated[
    str, typer.Argument(metavar="CONFIG|CORPUS", help="A YAML file, phrasebook, or owner/name.")
]
Part = Annotated[str | None, typer.Option("--config", help="The hub's config, such as en-fr.")]
Revision = Annotated[str | None, typer.Option(help="A branch, tag or commit of the data set.")]
Source = Annotated[str | None, typer.Option(help="The language translated from.")]
Target = Annotated[str | None, typer.Option(help="The language translated into.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("list", epilog="Example:  nmt data list")
def list_corpora(as_json: AsJson = False) -> None:
    """List corpora that are known to work, and the configs that use them."""
    from nmt.workflows import data

    entries = data.known()
    if as_json:
        say_json([asdict(entry) for entry in entries])
    else:
        data.console().print(data.catalogue_table(entries))


@app.command(
    epilog="Examples:  nmt data get configs/luong.yaml   |   "
    "nmt data get Helsinki-NLP/opus_books --config en-fr"
)
def get(
    name: Corpus,
    config: Part = None,
    revision: Revision = None,
    source: Source = None,
    target: Target = None,
) -> None:
    """Fetch a corpus, so that training on it later needs no network."""
    from nmt.workflows import data

    choice = data.choose(name, config=config, revision=revision, source=source, target=target)
    write_stdout(str(data.get(choice)))


@app.command(
    epilog="Examples:  nmt data check configs/luong.yaml   |   nmt data check phrasebook --json"
)
def check(
    name: Corpus,
    config: Part = None,
    revision: Revision = None,
    source: Source = None,
    target: Target = None,
    as_json: AsJson = False,
) -> None:
    """Inspect a corpus: counts, lengths, repetitions, overlap, suspicious pairs, cleaning."""
    from nmt.workflows import data

    choice = data.choose(name, config=config, revision=revision, source=source, target=target)
    report = data.check(choice)
    if as_json:
        say_json(asdict(report))
    else:
        data.console().print(data.report_page(report))
