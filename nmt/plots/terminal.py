"""The attention of a sentence as a text table for the terminal."""

import shutil
from collections.abc import Sequence
from itertools import pairwise

from rich.cells import cell_len

from nmt.evaluation.records import AttentionRecord
from nmt.evaluation.words import Floats
from nmt.plots.names import shown

GAP = "  "
MARK = "*"
NUMBER = 5  # "0.93" and the mark, or a space
LONGEST_LABEL = 24
JOINING = "\u200c\u200d" + "".join(map(chr, range(0xE0020, 0xE0080)))
"""Not printable alone, but part of the letter before them: joiners, and tags in flags."""
BOLD, PLAIN = "\x1b[1;7m", "\x1b[0m"


def table(
    record: AttentionRecord,
    *,
    pieces: bool = False,
    eos: bool | None = None,
    width: int | None = None,
    color: bool,
) -> str:
    """The weights, a row for each word of the translation and a column for each source word.

    The largest weight of each row is marked: highlighted with colour, by `*` without. Columns that
    do not fit next to each other go into further blocks below.

    Args:
        pieces: between the pieces that the model reads, instead of between words.
        eos: show the row and column of `</s>`; None shows them only between pieces.
        width: columns of the terminal; by default, those of the current one.
        color: mark with ANSI codes.
    """
    matrix = record.matrix(pieces=pieces, eos=eos)
    rows, columns = ([_label(name) for name in names] for names in (matrix.target, matrix.source))
    side = max(map(cell_len, rows), default=0)
    widths = [max(NUMBER, cell_len(column) + len(MARK)) for column in columns]
    room = (width or shutil.get_terminal_size().columns) - side
    blocks = []
    for first, last in pairwise(_breaks(widths, room)):
        lines = [_line("", side, [_right(columns[n] + " ", widths[n]) for n in range(first, last)])]
        for name, weights in zip(rows, matrix.weights, strict=True):
            cells = _numbers(weights, widths, color=color)
            lines.append(_line(name, side, cells[first:last]))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _breaks(widths: Sequence[int], room: int) -> list[int]:
    """The first column of each block, and the end; every block has at least one column."""
    breaks, used = [0], 0
    for column, width in enumerate(widths):
        used += len(GAP) + width
        if used > room and column > breaks[-1]:
            breaks.append(column)
            used = len(GAP) + width
    return [*breaks, len(widths)]


def _numbers(weights: Floats, widths: Sequence[int], *, color: bool) -> list[str]:
    """One row of weights, with the largest marked unless all are zero."""
    highest = int(weights.argmax()) if weights.any() else -1
    cells = []
    for column, (weight, width) in enumerate(zip(weights.tolist(), widths, strict=True)):
        number, before = f"{weight:.2f}", " " * (width - NUMBER)
        if column != highest:
            cells.append(f"{before}{number} ")
        elif color:
            cells.append(f"{before}{BOLD}{number}{PLAIN} ")
        else:
            cells.append(f"{before}{number}{MARK}")
    return cells


def _line(name: str, side: int, cells: Sequence[str]) -> str:
    return (_right(name, side) + "".join(GAP + cell for cell in cells)).rstrip()


def _right(text: str, width: int) -> str:
    """Right-align, counting the terminal cells of wide and combining characters."""
    return " " * (width - cell_len(text)) + text


def _label(name: str) -> str:
    """A name that is safe for the terminal: no control codes, and not too long."""
    return _printable(shown(name, LONGEST_LABEL, width=lambda text: cell_len(_printable(text))))


def _printable(text: str) -> str:
    return "".join(
        letter if letter.isprintable() or letter in JOINING else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )
