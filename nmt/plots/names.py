"""Names of rows and columns as a reader sees them, truncated between whole letters."""

from collections.abc import Callable
from unicodedata import category

from nmt.data.words import GAP, clusters, is_blank, without_invisible

CUT = "…"
MOST = 16
"""Code points shown of one letter: more than any script or emoji uses."""


def one(letter: str) -> int:
    """The default width: every letter counts as one."""
    return 1 if letter else 0


def shown(name: str, longest: int, *, width: Callable[[str], int] = one) -> str:
    r"""A name truncated to `longest` letters, or to that total of their `width`.

    Control characters stay (they are replaced when drawn), other invisible ones are removed, and
    every kind of space becomes a plain one. An invisible name is spelled out as code points.

    >>> shown("co\u00adoperate", 4), shown("\u200b", 9)
    ('coo…', 'U+200B')
    """
    name = name[: MOST * (longest + 1)]
    if name and is_blank(name) and not any(category(letter) == "Cc" for letter in name):
        name = " ".join(f"U+{ord(letter):04X}" for letter in name)
    letters = [cluster[:MOST] for cluster in clusters("".join(map(_visible, name)))]
    room, kept = longest, ""
    for letter in letters:
        room -= width(letter)
        if room < 0:
            return _fitting(letters, longest - width(CUT), width) + CUT
        kept += letter
    return kept


def _fitting(letters: list[str], room: int, width: Callable[[str], int]) -> str:
    kept = ""
    for letter in letters:
        room -= width(letter)
        if room < 0:
            break
        kept += letter
    return kept.rstrip()


def _visible(letter: str) -> str:
    if category(letter) == "Cc":
        return letter
    return " " if letter in GAP else without_invisible(letter)
