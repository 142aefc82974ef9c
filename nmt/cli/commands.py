"""All commands, in the order in which the help lists them."""

from functools import cache

import typer

from nmt.cli import (
    align,
    bench,
    config,
    data,
    evaluate,
    explain,
    export,
    plot,
    sweep,
    train,
    translate,
)


@cache
def mount(app: typer.Typer) -> None:
    """Add every command to the application."""
    app.command("train", epilog=train.EXAMPLES)(train.train)
    app.command("sweep", epilog=sweep.EXAMPLES)(sweep.sweep)
    app.command("translate", epilog=translate.EXAMPLES)(translate.translate)
    app.command("plot-attention", epilog=plot.EXAMPLES)(plot.plot_attention)
    app.command("evaluate", epilog=evaluate.EXAMPLES)(evaluate.evaluate)
    app.command("align", epilog=align.EXAMPLES)(align.align)
    app.command("explain", epilog=explain.EXAMPLES)(explain.explain)
    app.command("export", epilog=export.EXAMPLES)(export.export)
    app.add_typer(bench.app, name="bench")
    app.add_typer(data.app, name="data")
    app.add_typer(config.app, name="config")
