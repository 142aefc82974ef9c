"""Warnings about lines that were too long to be translated or linked as a whole."""

import logging
from collections.abc import Sequence

log = logging.getLogger(__name__)
NAMED = 5  # line numbers listed in a warning


def warn_of_lengths(cut: Sequence[int], skipped: Sequence[int]) -> None:
    """Warn about the lines that were translated in parts, and those that were skipped."""
    if cut:
        log.warning(
            "%s longer than decoding.max_source_length, or than the model has positions: "
            "translated in parts, which were joined by spaces",
            counted_lines(cut),
        )
    if skipped:
        log.warning(
            "%s much too long to be text: skipped, the translation is empty",
            counted_lines(skipped),
        )


def counted_lines(numbers: Sequence[int]) -> str:
    """
    >>> counted_lines([3]), counted_lines([3, 1007])
    ('1 line (3) is', '2 lines (3, 1007) are')
    """
    some = ", ".join(map(str, numbers[:NAMED])) + (", ..." if len(numbers) > NAMED else "")
    lines, verb = ("lines", "are") if len(numbers) > 1 else ("line", "is")
    return f"{len(numbers):,} {lines} ({some}) {verb}"
