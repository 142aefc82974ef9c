"""The attention of several models for one sentence in one picture, a small matrix each."""

from math import ceil
from pathlib import Path
from textwrap import wrap

from matplotlib.figure import Figure

from nmt.plots.maps import LETTERS, draw_matrix, short
from nmt.plots.pictures import DOTS_PER_INCH, drawn, kind_of, save_figures, substitutes
from nmt.plots.side_by_side import ComparedSentence

ACROSS = 6
"""Matrices per row, which fill the width of a page of text."""
CELL, SMALLEST = 0.26, 0.95  # this and the following sizes are in inches
LEFT, BETWEEN = 0.6, 0.16
HEAD, HEAD_LINE, HEAD_LETTER = 0.2, 0.2, 0.12
LINE = 0.15
LETTER = 0.075
MARGIN = 0.12
LONGEST_SENTENCE = 1000  # letters


def save_small_multiples(section: ComparedSentence, path: Path) -> list[Path]:
    """Draw each model's matrix for a sentence; the file extension decides: png, svg or pdf.

    Returns the files written: none if no model has a matrix to show.

    Raises:
        UsageError: the format is not one of these.
    """
    kind_of(path)
    if not any(panel.matrix for panel in section.panels):
        path.unlink(missing_ok=True)  # an old file would show another sentence
        return []
    return save_figures([draw(section)], path, count=1)


def draw(section: ComparedSentence) -> Figure:
    """A matrix for each model that has one, in panel order; the other models are listed."""
    drawable = [(panel.name, panel.matrix) for panel in section.panels if panel.matrix is not None]
    without = [panel.name for panel in section.panels if panel.matrix is None]
    words = [short(word) for _, matrix in drawable for word in (*matrix.source, *matrix.target)]
    sentence = drawn(section.sentence, LONGEST_SENTENCE)
    table = substitutes([sentence, *words])  # names of runs are plain letters
    columns, rows = min(ACROSS, len(drawable)), ceil(len(drawable) / ACROSS)
    most = [max(len(matrix[side]) for _, matrix in drawable) for side in (1, 0)]
    matrix_width, matrix_height = (max(CELL * number, SMALLEST) for number in most)
    width = columns * (LEFT + matrix_width) + MARGIN
    note = wrap(f"No matrix: {', '.join(without)}", int(width / LETTER)) if without else []
    titles = [wrap(name, int((matrix_width + LEFT) / LETTER)) for name, _ in drawable]
    letters = max(len(short(word)) for _, matrix in drawable for word in matrix.source)
    above = LETTER * letters + LINE * max(map(len, titles))
    pitch = above + matrix_height + BETWEEN
    heading = wrap(sentence, max(int(width / HEAD_LETTER), 1))
    head = HEAD + HEAD_LINE * len(heading)
    height = head + rows * pitch + LINE * len(note) + MARGIN

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH)
    figure.text(
        MARGIN / width, 1 - MARGIN / height, "\n".join(heading).translate(table),
        fontsize=11, weight="bold", va="top", parse_math=False,
    )  # fmt: skip
    for number, ((_, matrix), title) in enumerate(zip(drawable, titles, strict=True)):
        row, column = divmod(number, ACROSS)
        left = column * (LEFT + matrix_width) + LEFT
        bottom = height - head - row * pitch - above - matrix_height
        axes = figure.add_axes(
            (left / width, bottom / height, matrix_width / width, matrix_height / height)
        )
        draw_matrix(axes, matrix, "\n".join(title), table)
    figure.text(
        MARGIN / width, MARGIN / height, "\n".join(note).translate(table),
        fontsize=LETTERS + 1, color="0.45", va="bottom", parse_math=False,
    )  # fmt: skip
    return figure
