"""The attention of one sentence by several models in one picture, a small matrix each."""

from math import ceil
from pathlib import Path
from textwrap import wrap

from matplotlib.figure import Figure

from nmt.plots.maps import LETTERS, draw_matrix, short
from nmt.plots.pictures import DOTS_PER_INCH, drawn, kind_of, save_figures, substitutes
from nmt.plots.side_by_side import Section

ACROSS = 6
"""Matrices in a row, as many as a page of text is wide."""
CELL, SMALLEST = 0.26, 0.95  # this and all below in inches
LEFT, BETWEEN = 0.6, 0.16
HEAD, HEAD_LINE, HEAD_LETTER = 0.2, 0.2, 0.12
LINE = 0.15
LETTER = 0.075
MARGIN = 0.12
LONGEST_SENTENCE = 1000  # letters


def save_small_multiples(section: Section, path: Path) -> list[Path]:
    """Draw what each model makes of a sentence; png, svg or pdf by the name.

    Returns the files written: none if no model has a matrix to show.

    Raises:
        UsageError: another kind of file is asked for.
    """
    kind_of(path)
    if not any(panel.matrix for panel in section.panels):
        path.unlink(missing_ok=True)  # it would show another sentence
        return []
    return save_figures([draw(section)], path, count=1)


def draw(section: Section) -> Figure:
    """A matrix for each model that has one, in the order of the panels; the others are named."""
    found = [(panel.name, panel.matrix) for panel in section.panels if panel.matrix is not None]
    without = [panel.name for panel in section.panels if panel.matrix is None]
    words = [short(word) for _, matrix in found for word in (*matrix.source, *matrix.target)]
    sentence = drawn(section.sentence, LONGEST_SENTENCE)
    table = substitutes([sentence, *words])  # names of runs are plain letters
    columns, rows = min(ACROSS, len(found)), ceil(len(found) / ACROSS)
    most = [max(len(matrix[side]) for _, matrix in found) for side in (1, 0)]
    wide, high = (max(CELL * number, SMALLEST) for number in most)
    width = columns * (LEFT + wide) + MARGIN
    note = wrap(f"No matrix: {', '.join(without)}", int(width / LETTER)) if without else []
    titles = [wrap(name, int((wide + LEFT) / LETTER)) for name, _ in found]
    letters = max(len(short(word)) for _, matrix in found for word in matrix.source)
    above = LETTER * letters + LINE * max(map(len, titles))
    pitch = above + high + BETWEEN
    heading = wrap(sentence, max(int(width / HEAD_LETTER), 1))
    head = HEAD + HEAD_LINE * len(heading)
    height = head + rows * pitch + LINE * len(note) + MARGIN

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH)
    figure.text(
        MARGIN / width, 1 - MARGIN / height, "\n".join(heading).translate(table),
        fontsize=11, weight="bold", va="top", parse_math=False,
    )  # fmt: skip
    for number, ((_, matrix), title) in enumerate(zip(found, titles, strict=True)):
        row, column = divmod(number, ACROSS)
        left = column * (LEFT + wide) + LEFT
        bottom = height - head - row * pitch - above - high
        axes = figure.add_axes((left / width, bottom / height, wide / width, high / height))
        draw_matrix(axes, matrix, "\n".join(title), table)
    figure.text(
        MARGIN / width, MARGIN / height, "\n".join(note).translate(table),
        fontsize=LETTERS + 1, color="0.45", va="bottom", parse_math=False,
    )  # fmt: skip
    return figure
