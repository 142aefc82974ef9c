"""The attention of a sentence as a heat map: source across the top, translation down the side."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.text import Text

from nmt.errors import UsageError
from nmt.evaluation.records import AttentionRecord, Matrix
from nmt.plots.page import save_page
from nmt.plots.pictures import (
    DOTS_PER_INCH,
    PICTURES,
    drawn,
    kind_of,
    save_figures,
    substitutes,
)

COLOURS = "Blues"
"""From white to dark blue: more ink means more weight, also in print and for the colour-blind."""
NUMBERED = 12
"""Matrices with at most this many rows and columns have their weights printed in the cells."""
LARGEST_DRAWN = 150
"""With more rows or columns, the cells are drawn as one image instead of separate shapes."""
LONGEST_LABEL = 32
LAST_STEP = 10**15
MARGIN = 0.12  # this and the following sizes are in inches
LABEL_GAP = 0.06
BAR_GAP, BAR_WIDTH, BAR_HEIGHT, BAR_LABELS = 0.22, 0.13, 2.4, 0.36
CAPTION_HEIGHT = 0.3
LONGEST_SIDE = 40.0
POINTS_PER_INCH = 72


class Scale(NamedTuple):
    """Legible sizes: a longer sentence makes a larger picture rather than smaller letters."""

    cell: float  # inches
    letters: float  # points


def save_heatmaps(
    records: Iterable[AttentionRecord], path: Path, *, pieces: bool = False, eos: bool | None = None
) -> list[Path]:
    """Draw each record; the file extension decides the format: png, svg, pdf or html.

    Several records become the pages of one PDF, one HTML page, or files `name-1.png`, ...
    The colour scale always runs from 0 to 1, so that pictures can be compared.

    Args:
        pieces: between the pieces that the model reads, instead of between words.
        eos: show the row and column of `</s>`; None shows them only between pieces.

    Returns the files written.

    Raises:
        UsageError: the format is not one of these, or there is no record.
    """
    kind = kind_of(path, (*PICTURES, ".html"))
    chosen = list(records)
    if not chosen:
        raise UsageError(f"{path}: nothing to draw, since there is no attention record")
    if kind == ".html":
        save_page(chosen, path, pieces=pieces, eos=eos)
        return [path]
    matrices = [record.matrix(pieces=pieces, eos=eos) for record in chosen]
    captions = [_caption(record) for record in chosen]
    names = [name for matrix in matrices for names in matrix[:2] for name in map(_short, names)]
    table = substitutes([*names, *captions])
    captions = [caption.translate(table) for caption in captions]
    return save_figures(_figures(matrices, captions, table), path, count=len(chosen))


def _figures(
    matrices: Sequence[Matrix], captions: Iterable[str], table: Mapping[int, str]
) -> Iterator[Figure]:
    for matrix, caption in zip(matrices, captions, strict=True):
        target, source = ([_short(name).translate(table) for name in names] for names in matrix[:2])
        yield draw(Matrix(target, source, matrix.weights), caption)


def draw(matrix: Matrix, caption: str = "") -> Figure:
    """One heat map, as large as its names and cells need."""
    if not matrix.weights.size:
        matrix = Matrix([""], [""], np.zeros((1, 1)))
    rows, columns = matrix.weights.shape
    scale = _scale(max(rows, columns))
    figure = Figure(dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)  # measures the labels
    axes, bar = figure.add_axes((0, 0, 1, 1)), figure.add_axes((0, 0, 1, 1))
    _name_sides(axes, matrix, scale)
    shading = _shade(axes, matrix)
    if max(rows, columns) <= NUMBERED:
        _print_weights(axes, matrix, scale)
    _draw_bar(figure, bar, shading)
    note = figure.text(0, 0, caption, color="0.45", fontsize=7.5, parse_math=False)
    _arrange(figure, axes, bar, note, (columns * scale.cell, rows * scale.cell))
    return figure


def _scale(names: int) -> Scale:
    if names <= NUMBERED:
        return Scale(0.56, 11)
    if names <= 40:
        return Scale(0.34, 9.5)
    if names <= 120:
        return Scale(0.22, 8)
    return Scale(min(0.15, LONGEST_SIDE / names), 7)


def _name_sides(axes: Axes, matrix: Matrix, scale: Scale) -> None:
    """Label the cells; if cells are smaller than letters, only every second or third one."""
    rows, columns = matrix.weights.shape
    every = ceil(scale.letters * 1.1 / POINTS_PER_INCH / scale.cell)
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=LABEL_GAP * POINTS_PER_INCH, labelsize=scale.letters)
    axes.set_xticks(
        [column + 0.5 for column in range(0, columns, every)],
        matrix.source[::every],
        parse_math=False,
    )
    axes.set_yticks(
        [row + 0.5 for row in range(0, rows, every)], matrix.target[::every], parse_math=False
    )
    for spine in axes.spines.values():
        spine.set_visible(False)
    widest = max((_size(label)[0] for label in axes.get_xticklabels()), default=0.0)
    if widest > scale.cell * 0.95:
        angle = 45 if columns <= 40 else 90
        for label in axes.get_xticklabels():
            label.set(rotation=angle, rotation_mode="anchor", ha="left")
            label.set_verticalalignment("bottom" if angle == 45 else "center")


def _shade(axes: Axes, matrix: Matrix) -> ScalarMappable:
    """Draw the cells as shapes, sharp at any size, or as one image if there are too many."""
    rows, columns = matrix.weights.shape
    if max(rows, columns) > LARGEST_DRAWN:
        return axes.imshow(
            matrix.weights,
            cmap=COLOURS,
            vmin=0,
            vmax=1,
            aspect="auto",
            extent=(0, columns, rows, 0),
        )
    gap = 1.2 if max(rows, columns) <= NUMBERED else 0.4
    return axes.pcolormesh(
        matrix.weights, cmap=COLOURS, vmin=0, vmax=1, edgecolors="white", linewidth=gap
    )


def _print_weights(axes: Axes, matrix: Matrix, scale: Scale) -> None:
    for (row, column), weight in _cells(matrix):
        axes.text(
            column + 0.5,
            row + 0.5,
            f"{weight:.2f}",
            ha="center",
            va="center",
            fontsize=scale.letters * 0.78,
            color="white" if weight > 0.55 else "0.25" if weight >= 0.005 else "0.75",
        )


def _cells(matrix: Matrix) -> Iterator[tuple[tuple[int, int], float]]:
    for row, weights in enumerate(matrix.weights.tolist()):
        for column, weight in enumerate(weights):
            yield (row, column), weight


def _draw_bar(figure: Figure, bar: Axes, shading: ScalarMappable) -> None:
    """Draw the colour bar."""
    colorbar = figure.colorbar(shading, cax=bar, ticks=[0, 0.5, 1])
    colorbar.outline.set_visible(False)
    bar.tick_params(length=0, labelsize=8, labelcolor="0.35")


def _arrange(
    figure: Figure, axes: Axes, bar: Axes, note: Text, matrix_size: tuple[float, float]
) -> None:
    """Size the figure to fit its parts, and position them."""
    width, height = matrix_size
    column_labels, row_labels = axes.get_xticklabels(), axes.get_yticklabels()
    top = MARGIN + LABEL_GAP + max((_size(label)[1] for label in column_labels), default=0.0)
    left = MARGIN + LABEL_GAP + max((_size(label)[0] for label in row_labels), default=0.0)
    rotated = bool(column_labels) and column_labels[-1].get_rotation() == 45
    overhang = _size(column_labels[-1])[0] if rotated else 0.0
    right = max(BAR_GAP + BAR_WIDTH + BAR_LABELS, overhang)
    bar_height = min(height, BAR_HEIGHT)
    whole_width = max(left + width + right, 2 * MARGIN + _size(note)[0])
    whole_height = top + height + CAPTION_HEIGHT + MARGIN

    figure.set_size_inches(whole_width, whole_height)
    bottom = whole_height - top - height

    def place(part: Axes, x: float, y: float, across: float, up: float) -> None:
        part.set_position(
            (x / whole_width, y / whole_height, across / whole_width, up / whole_height)
        )

    place(axes, left, bottom, width, height)
    place(bar, left + width + BAR_GAP, bottom + height - bar_height, BAR_WIDTH, bar_height)
    note.set_position((MARGIN / whole_width, MARGIN / whole_height))


def _size(text: Text) -> tuple[float, float]:
    """Width and height of a drawn text, in inches."""
    box = text.get_window_extent(dpi=DOTS_PER_INCH)
    return box.width / DOTS_PER_INCH, box.height / DOTS_PER_INCH


def _short(name: str) -> str:
    return drawn(name, LONGEST_LABEL)


def _caption(record: AttentionRecord) -> str:
    """The model and its log-probability: `luong · step 4,000 · log-probability −1.23`."""
    run, step = record.model.get("run"), record.model.get("step")
    parts = [_short(run)] if run and isinstance(run, str) else []
    parts += [f"step {step:,}"] if isinstance(step, int) and 0 <= step < LAST_STEP else []
    score = f"{record.score:.2f}".replace("-", "−")
    return " · ".join([*parts, f"log-probability {score}"])
