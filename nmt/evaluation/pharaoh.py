"""The Pharaoh format of word alignments: one line a sentence pair, one `source-target` a link.

Words are counted from 0. A gold alignment has two sorts of links (Och and Ney, 2003, section 5):
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
    """The links that people made between the words of one pair."""

    sure: frozenset[Link]
    possible: frozenset[Link]
    """All that may be made: the sure ones are among them."""

    @classmethod
    def of(cls, sure: Iterable[Link], possible: Iterable[Link] = ()) -> "Gold":
        kept = frozenset(sure)
        return cls(kept, kept | frozenset(possible))

    def __str__(self) -> str:
        """As `read_gold` reads it; a link that is sure is written once.

        >>> str(Gold.of([(0, 1)], [(2, 0), (0, 1)]))
        '0-1 2?0'
        """
        doubtful = (f"{source}?{target}" for source, target in sorted(self.possible - self.sure))
        return " ".join(filter(None, [pharaoh(self.sure), *doubtful]))


def read_gold(line: str) -> Gold:
    """The links of a line, in any order, between spaces or tabs; of one that is both, the sure one
    counts.

    >>> read_gold("0-0 2?1 1-2").sure == {(0, 0), (1, 2)}
    True

    Raises:
        DataError: something in it is not a link, or it is far too long.
    """
    if len(line) > LONGEST:
        raise DataError(f"{len(line):,} characters, more than the links of any pair have")
    links: dict[str, list[Link]] = {"-": [], "?": []}
    for text in filter(None, re.split("[ \t]", line)):
        found = _LINK.fullmatch(text)
        if found is None:
            raise DataError(
                f"{text[:40]!r} is not a link; write SOURCE-TARGET for a sure one "
                "and SOURCE?TARGET for a possible one, counted from 0, such as 0-1 or 0?1"
            )
        links[found[2]].append((int(found[1]), int(found[3])))
    return Gold.of(links["-"], links["?"])


def pharaoh(links: Iterable[Link]) -> str:
    """Links as a line, sorted; nothing linked is an empty line.

    >>> pharaoh([(2, 1), (0, 0)])
    '0-0 2-1'
    """
    return " ".join(f"{source}-{target}" for source, target in sorted(set(links)))
