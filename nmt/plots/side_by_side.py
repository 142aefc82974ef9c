"""Several attention matrices of the same sentences, side by side on one web page."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from nmt.evaluation.records import Matrix
from nmt.files import write_text

STRONG = 60
"""The percentage from which a cell is so dark that its number is light."""
LARGE_CELLS, LARGE_LETTERS = 5, 7


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The result of one model, or one of its heads, for a sentence."""

    name: str
    matrix: Matrix | None
    """None if the model has no matrix to show."""
    mechanism: str = ""
    formula: str | None = None
    scores: str = ""
    """For example `BLEU 93.9 · AER 12.3 %`."""
    translation: str | None = None
    note: str = ""
    """What else a reader must know about the matrix, or why there is none."""


@dataclass(frozen=True)
class ComparedSentence:
    """A sentence, and the result of each model for it."""

    sentence: str
    panels: Sequence[Panel]


def save_side_by_side(
    sections: Sequence[ComparedSentence],
    path: Path,
    *,
    title: str,
    about: Sequence[str],
    footer: str,
) -> None:
    """Write one self-contained HTML file, which needs no network, library or script.

    about: lines below the title; footer: how to read the matrices.
    """
    source = files("nmt.plots").joinpath("side_by_side.html.j2").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    shown = [
        {
            "sentence": section.sentence,
            "panels": [{**vars(panel), "grid": _grid(panel.matrix)} for panel in section.panels],
            **_sizes([panel.matrix for panel in section.panels if panel.matrix is not None]),
        }
        for section in sections
    ]
    page = environment.from_string(source).render(
        title=title, about=about, footer=footer, sections=shown, strong=STRONG
    )
    write_text(path, page)


def _sizes(matrices: Sequence[Matrix]) -> dict[str, Any]:
    """The width of a matrix, and whether large cells under horizontal words fit."""
    cells = max((len(matrix.source) for matrix in matrices), default=0)
    longest_source, longest_target = (
        max((len(name) for matrix in matrices for name in matrix[side]), default=0)
        for side in (1, 0)
    )
    large = cells <= LARGE_CELLS and longest_source <= LARGE_LETTERS
    return {"cells": cells, "letters": longest_target, "large": large}


def _grid(matrix: Matrix | None) -> dict[str, Any] | None:
    """Names, and weights in whole percent, which are short and fine enough to look at."""
    if matrix is None:
        return None
    percents = (matrix.weights * 100).round().astype(int).tolist()
    return {
        "source": matrix.source,
        "rows": [
            {"name": name, "percents": row}
            for name, row in zip(matrix.target, percents, strict=True)
        ],
    }
