"""A league table as a picture: BLEU and alignment error of every model as bars, side by side."""

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nmt.evaluation.league import FINISHED, League, Row
from nmt.plots.curves import COLOURS
from nmt.plots.pictures import DOTS_PER_INCH, kind_of, save_figures, substitutes

LONGEST_NAME = 26  # letters per line
LETTERS, TITLE, SMALL = 9.5, 12.0, 7.5  # points
LINE, GAP = 0.17, 0.13  # this and the following sizes are in inches
MARGIN = 0.12
HEAD, FOOT = 0.3, 0.33  # panel titles above, axis numbers below
TITLE_LINE, SMALL_LINE = 0.24, 0.15
PANEL, BETWEEN = 3.1, 0.25
NAME_LETTER, TITLE_LETTER, SMALL_LETTER = 0.08, 0.12, 0.065  # widths
ROOM = 1.22  # axis length relative to the longest bar, which leaves room for its number
NOTHING = "–"


class Panel(NamedTuple):
    """One half of the picture."""

    title: str
    colour: str
    value: Callable[[Row], float | None]


def _percent(row: Row) -> float | None:
    return None if row.aer is None else 100 * row.aer


PANELS = (
    Panel("BLEU, higher is better", COLOURS[0], lambda row: row.bleu),
    Panel("alignment error rate in %, lower is better", COLOURS[1], _percent),
)


def save_league(league: League, path: Path) -> list[Path]:
    """Draw the finished models, best first; the picture grows with their number.

    Returns the files written.

    Raises:
        UsageError: the kind of file is not png, svg or pdf.
    """
    kind_of(path)
    return save_figures([draw(league)], path, count=1)


def draw(league: League) -> Figure:
    """BLEU on the left, alignment error rate on the right if any model has it; a row per model."""
    rows = [row for row in league.rows if row.state == FINISHED]
    panels = [panel for panel in PANELS if any(panel.value(row) is not None for row in rows)]
    letters = substitutes([row.name for row in rows])
    names = [_wrapped(row.name.translate(letters)) for row in rows]
    heights = [LINE * len(lines) + GAP for lines in names]
    side = NAME_LETTER * max(len(line) for lines in names for line in lines) + 2 * MARGIN
    width = side + len(panels) * (PANEL + BETWEEN)
    title = wrap(_title(league, len(rows)), int((width - 2 * MARGIN) / TITLE_LETTER))
    note = wrap(f"Budget: {league.budget}", int((width - 2 * MARGIN) / SMALL_LETTER))
    above = MARGIN + TITLE_LINE * len(title) + HEAD
    below = MARGIN + SMALL_LINE * len(note) + FOOT
    height = above + sum(heights) + below

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH)
    places = [sum(heights[:n]) + heights[n] / 2 for n in range(len(rows))]
    for number, panel in enumerate(panels):
        left = (side + number * (PANEL + BETWEEN)) / width
        axes = figure.add_axes((left, below / height, PANEL / width, sum(heights) / height))
        _bars(axes, [panel.value(row) for row in rows], places, colour=panel.colour)
        axes.set_ylim(sum(heights), 0)
        axes.set_title(panel.title, fontsize=LETTERS, color="0.25", loc="left", pad=6)
        shown = ["\n".join(lines) for lines in names] if number == 0 else []
        axes.set_yticks(places if shown else [], shown, parse_math=False)
    corner = MARGIN / width
    figure.text(
        corner, 1 - MARGIN / height, "\n".join(title), fontsize=TITLE, weight="bold", va="top",
        parse_math=False,
    )  # fmt: skip
    figure.text(
        corner, MARGIN / height, "\n".join(note), fontsize=SMALL, color="0.45", va="bottom",
        parse_math=False,
    )  # fmt: skip
    return figure


def _bars(
    axes: Axes, values: Sequence[float | None], places: Sequence[float], *, colour: str
) -> None:
    """A bar and its value for each row; a dash if it has no value."""
    lengths = [value or 0.0 for value in values]
    longest = max(lengths) or 1.0
    axes.barh(places, lengths, height=LINE + 0.02, color=colour)
    for place, length, value in zip(places, lengths, values, strict=True):
        axes.text(
            length + longest * 0.015,
            place,
            NOTHING if value is None else f"{value:.1f}",
            va="center_baseline",
            fontsize=LETTERS - 1,
            color="0.25",
        )
    axes.set_xlim(0, longest * ROOM)
    axes.tick_params(axis="y", length=0, labelsize=LETTERS)
    axes.tick_params(axis="x", labelsize=SMALL, colors="0.45", length=2)
    axes.grid(axis="x", color="0.92", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.spines["left"].set_color("0.6")


def _title(league: League, models: int) -> str:
    return f"{models} model{'s' * (models != 1)} on {league.corpus}"


def _wrapped(name: str) -> list[str]:
    """A name split into lines, preferably after hyphens, underscores and dots."""
    lines = [""]
    for part in name.replace("-", "-\0").replace("_", "_\0").replace(".", ".\0").split("\0"):
        if len(lines[-1]) + len(part) > LONGEST_NAME and lines[-1]:
            lines.append("")
        lines[-1] += part
    cut = [line[n : n + LONGEST_NAME] for line in lines for n in range(0, len(line), LONGEST_NAME)]
    return cut or [""]
