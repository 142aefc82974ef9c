"""The model card of a run: what it is, what it learned from, how well it does."""

import json
from collections.abc import Iterator
from typing import Any

from nmt.checkpoint.run import Run
from nmt.files import write_text


def write_card(run: Run) -> None:
    """Write the run's README.md from its config, manifest and scores."""
    write_text(run.card, "\n".join(_lines(run)) + "\n")


def _lines(run: Run) -> Iterator[str]:
    config, manifest = run.read_config(), run.read_manifest()
    corpus, model = manifest["corpus"], config.model
    attention = model.attention
    yield f"# {config.name}\n"
    yield (
        f"Translates {config.data.source} to {config.data.target}: a recurrent encoder-decoder "
        f"({model.encoder.cell} {model.encoder.layers} x 2 x {model.encoder.size}, "
        f"{model.decoder.kind} decoder {model.decoder.layers} x {model.decoder.size}) with "
        f"{attention.scope} {attention.score} attention, {attention.normalizer}; "
        f"{sum(manifest['parameters'].values()):,} parameters.\n"
    )
    yield "## Learned from\n"
    yield f"`{corpus['corpus']}` {corpus['config'] or ''}".rstrip()
    if corpus["revision"]:
        yield f"at revision `{corpus['revision']}`"
    if corpus["instead_of"]:
        yield f"\n**Not from `{corpus['instead_of']}`, as configured**: {corpus['because']}"
    yield ""
    for split, pairs in corpus["pairs"].items():
        yield f"- {split}: {pairs:,} pairs ({corpus['splits'].get(split, split)})"
    yield "\n## Scores\n"
    yield "| split | BLEU | chrF | TER | signature of BLEU |\n|---|---|---|---|---|"
    for scores in _scores(run):
        yield (
            f"| {scores['split']} | {scores['bleu']['value']:.2f} | {scores['chrf']['value']:.2f} "
            f"| {scores['ter']['value']:.2f} | `{scores['bleu']['signature']}` |"
        )
    yield "\n## Use it\n"
    yield f'    nmt translate --run {run.folder.as_posix()} "I love you"'
    yield f"    nmt evaluate {run.folder.as_posix()}\n"
    yield (
        f"Made by nmt {manifest['nmt']}, torch {manifest['versions']['torch']}, "
        f"seed {manifest['seed']}, {manifest['created']}; "
        f"computed on {manifest['compute']}."
    )


def _scores(run: Run) -> Iterator[dict[str, Any]]:
    for path in sorted(run.folder.glob("evaluation/*/scores.json")):
        yield json.loads(path.read_text(encoding="utf-8"))
