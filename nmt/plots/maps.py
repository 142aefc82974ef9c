"""All attention matrices of a sentence in one picture: a row per layer, a column per head."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nmt.errors import UsageError, printable
from nmt.evaluation.records import SELF, AttentionRecord, Matrix
from nmt.plots.heatmap import COLOURS
from nmt.plots.pictures import (
    DOTS_PER_INCH,
    PICTURES,
    drawn,
    kind_of,
    save_figures,
    substitutes,
)
from nmt.plots.side_by_side import ComparedSentence, Panel, save_side_by_side

CELL, SMALLEST, LARGEST = 0.17, 1.5, 3.4  # inches: of a cell, and of one side of a matrix
LETTERS = 6.5  # points
LONGEST_NAME = 10  # letters
TITLE = 40  # letters
LARGEST_SIDE, LARGEST_PICTURE = 2**16, 2**28  # pixels; matplotlib refuses longer sides
HOW_TO_READ = (
    "A row is a piece, and shows in percent what it attends to: in the encoder, the source; in the "
    "decoder, the source or, in matrices named self, what was generated before."
)
NAMES_ROOM, TITLE_ROOM = 0.85, 0.95  # inches, left of and above each matrix


def save_maps(records: Iterable[AttentionRecord], path: Path) -> list[Path]:
    """Draw each record's `maps`, between pieces; the extension decides: png, svg, pdf or html.

    Returns the files written.

    Raises:
        UsageError: the format is not one of these, or no record has maps.
    """
    kind = kind_of(path, (*PICTURES, ".html"))
    chosen = [record for record in records if record.maps]
    if not chosen:
        raise UsageError(
            "no record holds the maps of several layers or heads: translate again with a run that "
            "has them (heads above 1, self_attention or transformer), or leave out --maps"
        )
    if kind == ".html":
        _save_page(chosen, path)
        return [path]
    table = substitutes(name for record in chosen for name in _names(record))
    return save_figures((draw(record, table) for record in chosen), path, count=len(chosen))


def _save_page(records: Sequence[AttentionRecord], path: Path) -> None:
    sections = [
        ComparedSentence(
            f"{record.source} → {record.target}",
            [Panel(name=name, matrix=record.map(name)) for name in record.maps],
        )
        for record in records
    ]
    save_side_by_side(sections, path, title="Every layer and head", about=[], footer=HOW_TO_READ)


def draw(record: AttentionRecord, table: Mapping[int, str] | None = None) -> Figure:
    """The maps of one record. table: substitutes for letters that the font lacks

    Raises:
        UsageError: there are too many maps for one picture.
    """
    rows = [list(names) for _, names in groupby(record.maps, key=_row)]
    longest = max(len(record.source_pieces), len(record.target_pieces))
    side = min(max(CELL * longest, SMALLEST), LARGEST)
    width, height = side + NAMES_ROOM, side + TITLE_ROOM
    across = max(map(len, rows))
    _refuse_large(record, across * width, len(rows) * height)
    figure = Figure(figsize=(across * width, len(rows) * height), dpi=DOTS_PER_INCH)
    for number, names in enumerate(rows):
        for column, name in enumerate(names):
            left, top = column * width + NAMES_ROOM * 0.85, (number + 1) * height - 0.1
            place = (
                left / figure.get_figwidth(),
                1 - top / figure.get_figheight(),
                side / figure.get_figwidth(),
                side / figure.get_figheight(),
            )
            title = drawn(name, TITLE).translate(table or {})
            draw_matrix(figure.add_axes(place), record.map(name), title, table or {})
    return figure


def _refuse_large(record: AttentionRecord, *inches: float) -> None:
    width, height = (side * DOTS_PER_INCH for side in inches)
    if max(width, height) >= LARGEST_SIDE or width * height > LARGEST_PICTURE:
        raise UsageError(
            f"record {printable(record.id, most=40)} holds {len(record.maps):,} maps, too many for "
            f"a picture ({width:,.0f} x {height:,.0f} pixels): choose an .html file"
        )


def _names(record: AttentionRecord) -> Iterator[str]:
    """All texts in the picture."""
    yield from map(short, (*record.source_pieces, *record.target_pieces))
    yield from (drawn(name, TITLE) for name in record.maps)


def short(name: str) -> str:
    """A name as it is written next to a small matrix."""
    return drawn(name, LONGEST_NAME)


def _row(name: str) -> tuple[str, bool]:
    """The row of a map: the heads of one layer that attend to the same side share one."""
    layer, _, _ = name.partition(" head ")
    return layer, name.endswith(SELF)


def draw_matrix(axes: Axes, matrix: Matrix, title: str, table: Mapping[int, str]) -> None:
    """Draw one of many small matrices: names above and to the left, no numbers in the cells."""
    axes.imshow(matrix.weights, cmap=COLOURS, vmin=0, vmax=1, aspect="auto")
    axes.xaxis.tick_top()
    sides = ((axes.set_xticks, matrix.source, 90), (axes.set_yticks, matrix.target, 0))
    for set_ticks, names, rotation in sides:
        shown = [short(name).translate(table) for name in names]
        set_ticks(range(len(shown)), shown, rotation=rotation, parse_math=False)
    axes.tick_params(length=0, labelsize=LETTERS, pad=1.5)
    axes.set_title(title, fontsize=LETTERS + 1, color="0.3", pad=3, parse_math=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
