"""Attention as one web page: choose a sentence, point at a word, see what it attends to."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from nmt.evaluation.records import AttentionRecord, Matrix
from nmt.files import write_text

PARTS = 1000
"""A page stores weights as whole thousandths: a third of the size, and finer than any screen."""
COUNTS = ("step", "heads")
EXACT = 2**53
"""The limit of exact integers in JavaScript."""


def save_page(
    records: Iterable[AttentionRecord],
    path: Path,
    *,
    pieces: bool = False,
    eos: bool | None = None,
    title: str = "Attention",
) -> None:
    """Write one self-contained HTML file, which needs no network and no library.

    The records are embedded in it, and a short script draws the selected one.

    Args:
        pieces: show pieces at first, instead of words; the page has a switch.
        eos: show `</s>` at first; None shows it only between pieces.
    """
    source = files("nmt.plots").joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.policies["json.dumps_kwargs"] = {
        "ensure_ascii": False,
        "separators": (",", ":"),
        "allow_nan": False,
    }
    content = {"pieces": pieces, "eos": eos, "records": [_entry(record) for record in records]}
    write_text(path, environment.from_string(source).render(title=title, content=content))


def _entry(record: AttentionRecord) -> dict[str, Any]:
    """The parts of a record that the page needs."""
    return {
        "id": record.id,
        "rank": record.rank,
        "source": record.source,
        "target": record.target,
        "score": round(record.score, 3),
        "token_scores": [round(score, 3) for score in record.token_scores],
        "words": _grid(record.matrix(eos=True)),
        "pieces": _grid(record.matrix(pieces=True, eos=True)),
        "attention": _described(
            record.attention, ("score", "normalizer", "scope", "heads", "state")
        ),
        "model": _described(record.model, ("run", "step")),
    }


def _described(content: Mapping[str, Any], names: Sequence[str]) -> dict[str, str | int]:
    """The valid values under `names`; a record of another program may hold anything there."""
    values = {name: content[name] for name in names if name in content}
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, int if name in COUNTS else str) and not isinstance(value, bool)
        if not isinstance(value, int) or abs(value) < EXACT
    }


def _grid(matrix: Matrix) -> dict[str, list[Any]]:
    """The names, and the weights row after row."""
    return {
        "target": matrix.target,
        "source": matrix.source,
        "weights": (matrix.weights * PARTS).round().astype(int).ravel().tolist(),
    }
