"""A line that is too long for a model, cut into parts that are not."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from unicodedata import combining

from nmt.data.tokenizers.learn import Piece

_SENTENCE_END = re.compile(
    r"""[.!?…]+['"’”»)\]]*\s+ | [。！？｡]+[」』”’）]*\s*""",  # noqa: RUF001
    re.VERBOSE,
)


def cut(text: str, pieces: Sequence[Piece], most: int) -> list[str]:
    """Parts of a text, at most about `most` pieces each.

    They are its sentences; one that is longer is cut at its last space that leaves a part short
    enough, and in the middle of a word only where there is none. White space between parts is
    left out.

    pieces: of the whole text, in order
    """
    starts = [piece.start for piece in pieces]
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    parts = (
        part
        for start, end in zip([0, *ends], [*ends, len(text)], strict=True)
        for part in _short(text, starts, start, end, most)
    )
    return [part for part in map(str.strip, parts) if part]


def _short(text: str, starts: Sequence[int], start: int, end: int, most: int) -> Iterator[str]:
    """The parts of `text[start:end]`."""
    while True:
        beyond = bisect_left(starts, start) + most  # the first piece that is too many
        if beyond >= len(starts) or starts[beyond] >= end:
            yield text[start:end]
            return
        place = _place(text, start, starts[beyond])
        yield text[start:place]
        start = place


def _place(text: str, start: int, end: int) -> int:
    """Where to cut a text between two places: after a space, or not before an accent."""
    for place in range(end, start + 1, -1):
        if text[place - 1].isspace():
            return place
    place = end
    while place > start + 1 and combining(text[place]):
        place -= 1
    return max(place, start + 1)
