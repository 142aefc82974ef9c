"""`nmt config`: show the values of a config, and check whether it is valid."""

import json

import typer

from nmt.cli.options import ConfigPath, Overrides
from nmt.errors import printable

app = typer.Typer(
    help="Show, check and describe configs.",
    no_args_is_help=True,
    epilog="Examples:  nmt config show configs/luong.yaml   |   nmt config schema > schema.json",
)


@app.command(epilog="Example:  nmt config show configs/luong.yaml model.dropout=0.3")
def show(config: ConfigPath, overrides: Overrides = None) -> None:
    """Print every value and where it comes from."""
    from nmt.config import load

    loaded = load(config, overrides or ())
    for key, value in _leaves(loaded.config.model_dump(mode="json"), ""):
        source = printable(loaded.sources.get(key, "default"))
        typer.echo(f"{key}: {json.dumps(value, ensure_ascii=False)}  # {source}")


@app.command(epilog="Example:  nmt config validate my.yaml")
def validate(config: ConfigPath, overrides: Overrides = None) -> None:
    """Check a config without training: one line per mistake, and exit status 2."""
    from nmt.config import load
    from nmt.workflows.train.validate import check_model
    from nmt.workflows.train.vectors import check_vectors

    loaded = load(config, overrides or ())
    check_model(loaded)
    check_vectors(loaded)
    typer.echo(f"{printable(str(config))} is valid")


@app.command(epilog="Example:  nmt config schema > nmt.schema.json")
def schema() -> None:
    """Print the JSON schema, for editors that complete and check YAML."""
    from nmt.config import Config

    typer.echo(json.dumps(Config.model_json_schema(), indent=2))


def _leaves(value: object, key: str) -> list[tuple[str, object]]:
    if not isinstance(value, dict):
        return [(key, value)]
    inner = (_leaves(item, f"{key}.{name}".lstrip(".")) for name, item in value.items())
    return [leaf for leaves in inner for leaf in leaves]
