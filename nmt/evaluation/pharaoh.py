"""The Pharaoh format of word alignments: a line per sentence pair, `source-target` per link.

Words are counted from 0. A gold alignment has two kinds of links (Och and Ney, 2003, section 5):
sure ones, `3-5`, and possible ones, `3?5`, which may be made but need not be.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from nmt.errors import DataError

Link = tuple[int, int]
"""(source word, target word)"""

LONGEST = 2**20  # characters of a line
_LINK = re.compile(r"([0-9]{1,9})([-?])([0-9]{1,9})")


@dataclass(frozen=True)
class Gold:
    """The links that human annotators made between the words of one pair."""

    sure: frozenset[Link]
    possible: frozenset[Link]
    """All links that may be made, including the sure ones."""

    @classmethod
    def of(cls, sure: Iterable[Link], possible: Iterable[Link] = ()) -> "Gold":
        kept = frozenset(sure)
        return cls(kept, kept | frozenset(possible))

    def __str__(self) -> str:
        """The line that `read_gold` reads; a sure link is written once.

        >>> str(Gold.of([(0, 1)], [(2, 0), (0, 1)]))
        '0-1 2?0'
        """
        possible = (f"{source}?{target}" for source, target in sorted(self.possible - self.sure))
        return " ".join(filter(None, [pharaoh(self.sure), *possible]))


def read_gold(line: str) -> Gold:
    """The links of a line, in any order, separated by spaces or tabs.

    A link that is given both as sure and as possible is sure.

    >>> read_gold("0-0 2?1 1-2").sure == {(0, 0), (1, 2)}
    True

    Raises:
        DataError: part of the line is not a link, or the line is far too long.
    """
    if len(line) > LONGEST:
        raise DataError(f"{len(line):,} characters, more than the links of any pair have")
    links: dict[str, list[Link]] = {"-": [], "?": []}
    for text in filter(None, re.split("[ \t]", line)):
        match = _LINK.fullmatch(text)
        if match is None:
            raise DataError(
                f"{text[:40]!r} is not a link; write SOURCE-TARGET for a sure one "
                "and SOURCE?TARGET for a possible one, counted from 0, such as 0-1 or 0?1"
            )
        links[match[2]].append((int(match[1]), int(match[3])))
    return Gold.of(links["-"], links["?"])


def pharaoh(links: Iterable[Link]) -> str:
    """Links as a sorted line; empty if there are none.

    >>> pharaoh([(2, 1), (0, 0)])
    '0-0 2-1'
    """
    return " ".join(f"{source}-{target}" for source, target in sorted(set(links)))
