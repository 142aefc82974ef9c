"""The model card of a run: the model, its training data and its scores."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nmt.checkpoint.run import Run
from nmt.files import read_json, write_text
from nmt.models.summary import summary


def write_card(run: Run) -> None:
    """Write the run's README.md from its config, manifest and scores."""
    write_text(run.card, "\n".join(_lines(run)) + "\n", root=run.folder)


def _lines(run: Run) -> Iterator[str]:
    config, manifest = run.read_config(), run.read_manifest()
    corpus, parameters = manifest["corpus"], sum(manifest["parameters"].values())
    yield f"# {config.name}\n"
    yield (
        f"Translates {config.data.source} to {config.data.target}; {parameters:,} parameters. "
        f"Attention, decoder and encoder: {summary(config)}.\n"
    )
    yield "## Training data\n"
    yield f"`{corpus['corpus']}` {corpus['config'] or ''}".rstrip()
    if corpus["revision"]:
        yield f"at revision `{corpus['revision']}`"
    if corpus["instead_of"]:
        yield f"\n**Not from `{corpus['instead_of']}`, as configured**: {corpus['because']}"
    yield ""
    for split, pairs in corpus["pairs"].items():
        origin = _names_alone(corpus["splits"].get(split, split), corpus["corpus"])
        yield f"- {split}: {pairs:,} pairs ({origin})"
    yield f"\n`{run.texts.name}/` holds the validation and test text used for the scores."
    yield "\n## Scores\n"
    yield "| split | BLEU | chrF | TER | BLEU signature |\n|---|---|---|---|---|"
    for scores in _scores(run):
        yield (
            f"| {scores['split']} | {scores['bleu']['value']:.2f} | {scores['chrf']['value']:.2f} "
            f"| {scores['ter']['value']:.2f} | `{scores['bleu']['signature']}` |"
        )
    yield "\n## Use it\n"
    yield f'    nmt translate --run {run.folder.name} "I love you"'
    yield f"    nmt evaluate {run.folder.name}\n"
    yield (
        f"Made by nmt {manifest['nmt']}, torch {manifest['versions']['torch']}, "
        f"seed {manifest['seed']}, {manifest['created']}; "
        f"computed on {manifest['compute']}."
    )


def _names_alone(origin: str, corpus: str) -> str:
    """The origin of a split, without the folders of the user who trained it.

    >>> _names_alone("/home/me/a.en and /home/me/a.fr", "files")
    'a.en and a.fr'
    """
    if corpus != "files":
        return origin
    return " and ".join(Path(place).name for place in origin.split(" and "))


def _scores(run: Run) -> Iterator[dict[str, Any]]:
    for path in sorted(run.folder.glob("evaluation/*/scores.json")):
        yield read_json(path)
