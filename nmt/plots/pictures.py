"""Write figures as PNG, SVG or PDF, atomically and with equal bytes for equal content."""

import logging
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from matplotlib import style
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from nmt.data.words import clusters
from nmt.errors import UsageError
from nmt.files import replacing
from nmt.plots.names import shown

log = logging.getLogger(__name__)

FONT = "DejaVu Sans"
"""Comes with matplotlib, so that a picture looks the same on every machine."""
PICTURES = (".png", ".svg", ".pdf")
DOTS_PER_INCH = 150
UNDRAWABLE = "\N{REPLACEMENT CHARACTER}"

_STYLE = {
    "font.family": [FONT],
    "svg.fonttype": "none",  # keep text as text, which can be searched and copied
    "svg.hashsalt": "nmt",
    "pdf.fonttype": 42,
}
"""Settings that no function takes as arguments; the user's own are restored afterwards."""


def kind_of(path: Path, kinds: Sequence[str] = PICTURES) -> str:
    """The file extension of a path in lower case, such as `.png`.

    Raises:
        UsageError: it is not one of `kinds`.
    """
    kind = path.suffix.lower()
    if kind not in kinds:
        known = ", ".join(name.removeprefix(".") for name in kinds)
        raise UsageError(f"{path}: '{path.suffix}' is not a picture format; use one of: {known}")
    return kind


def save_figures(figures: Iterable[Figure], path: Path, *, count: int) -> list[Path]:
    """Write `count` figures: the pages of one PDF, or PNG or SVG files `name-1.png`, `name-2.png`.

    Figures are consumed one at a time. A single figure keeps the plain name.

    Returns the files written.
    """
    kind = kind_of(path)
    with style.context(_STYLE, after_reset=True), ExitStack() as files:
        if kind == ".pdf":
            _save_pages(figures, files.enter_context(replacing(path)))
            return [path]
        paths = [path] if count == 1 else [_numbered(path, n) for n in range(1, count + 1)]
        for figure, place in zip(figures, paths, strict=True):
            temporary = files.enter_context(replacing(place))
            date: dict[str, Any] = {"Date": None} if kind == ".svg" else {}
            figure.savefig(temporary, format=kind[1:], dpi=figure.dpi, metadata=date)
        return paths


def drawn(name: str, longest: int) -> str:
    """A name as `shown` returns it; a letter that the font lacks is cut to its first code point.

    A family emoji thus becomes one substitute instead of five.
    """
    letters = _letters()
    return "".join(
        cluster if ord(cluster[0]) in letters else cluster[0]
        for cluster in clusters(shown(name, longest))
    )


def substitutes(texts: Iterable[str]) -> dict[int, str]:
    """A table for `str.translate` that replaces letters the font lacks by U+FFFD, with a warning.

    matplotlib itself would draw an empty box and warn for every single label.
    """
    letters = _letters()
    lacking = sorted({letter for text in texts for letter in text if ord(letter) not in letters})
    if lacking:
        log.warning(
            "the font for pictures (%s) has no %s; an HTML page (--output attention.html) shows it",
            FONT,
            " ".join(letter if letter.isprintable() else ascii(letter) for letter in lacking),
        )
    return {ord(letter): UNDRAWABLE for letter in lacking}


@cache
def _letters() -> frozenset[int]:
    """The code points that the font can draw."""
    return frozenset(get_font(findfont(FontProperties(family=FONT))).get_charmap())


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def _save_pages(figures: Iterable[Figure], path: Path) -> None:
    with PdfPages(path, metadata={"CreationDate": None}) as pages:
        for figure in figures:
            pages.savefig(figure)
