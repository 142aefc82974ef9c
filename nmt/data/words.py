"""How a text is cut into words, for word alignments and word-level attention.

One rule serves every language, so that a matrix never depends on knowing which language
a side is in:

- white space separates, the no-break spaces U+00A0 and U+202F included;
- a punctuation mark is a word of its own (a run of full stops is one word);
- an apostrophe ends a word when an elided French clitic stands before it (je | t' | aime),
  and otherwise stays inside its word (don't, aujourd'hui, O'Brien);
- a hyphen stays inside its word (well-known, peut-être), except before a French clitic that
  hangs on its verb, which is a word that begins with the hyphen (donne | -moi, a | -t-il);
- a number keeps its inner points, commas and colons (3.5, 1,000, 10:30).
"""

import re
from typing import NamedTuple


class Word(NamedTuple):
    """A word and where it stands: `text == sentence[start:end]`."""

    text: str
    start: int
    end: int


_LETTER = r"[\w\u0300-\u036f]"
_APOSTROPHE = r"['\u2019]"
_HYPHEN = r"[-\u2010\u2011]"

_WORD = re.compile(
    rf"""
      (?: jusqu | lorsqu | puisqu | quoiqu | qu | [cdjlmnst] ) {_APOSTROPHE}
    | {_LETTER}+ (?: (?: {_APOSTROPHE} | {_HYPHEN} | (?<=\d)[.,:](?=\d) ) {_LETTER}+ )*
    | \.+
    | \S
    """,
    re.VERBOSE | re.IGNORECASE,
)

_HANGING = re.compile(
    rf"""
      {_HYPHEN} t {_HYPHEN} (?: ils? | elles? | on )
    | {_HYPHEN} (?: je | tu | ils? | elles? | on | nous | vous | moi | toi | les? | la | lui
                  | leur | y | en )
    | {_HYPHEN} [mtl] {_APOSTROPHE} (?= (?: en | y ) $ )
    | (?<= {_APOSTROPHE} ) (?: en | y )
    """,
    re.VERBOSE | re.IGNORECASE,
)

_TAIL = re.compile(rf"(?:{_HANGING.pattern})+$", re.VERBOSE | re.IGNORECASE)

_INNER_HYPHEN = re.compile(rf"(?<!^){_HYPHEN}")

_WHOLE = frozenset(
    [
        "rendez-vous",
        "add-on",
        "bolt-on",
        "carry-on",
        "clip-on",
        "follow-on",
        "hands-on",
        "head-on",
        "knock-on",
        "ooh-la-la",
        "tra-la-la",
        "la-la",
        "try-on",
    ]
)
"""Words that only look as if a clitic hung on them."""


def split_words(text: str) -> list[Word]:
    """The words of a text, in order, with their character offsets.

    >>> [word.text for word in split_words("Je t'aime\u00a0!")]
    ['Je', "t'", 'aime', '!']
    """
    found = _WORD.finditer(text)
    if not _INNER_HYPHEN.search(text):  # nothing can hang on a verb
        return [Word(match.group(), *match.span()) for match in found]
    return [word for match in found for word in _without_clitics(match.group(), match.start())]


def _without_clitics(text: str, start: int) -> list[Word]:
    """Cut the clitics from the end of a verb: donne-le-moi -> donne | -le | -moi."""
    tail = _TAIL.search(text)
    if tail is None or tail.start() == 0 or text.casefold() in _WHOLE:
        return [Word(text, start, start + len(text))]
    cuts = [0, *(match.start() for match in _HANGING.finditer(text, tail.start())), len(text)]
    return [
        Word(text[begin:end], start + begin, start + end)
        for begin, end in zip(cuts, cuts[1:], strict=False)
    ]
