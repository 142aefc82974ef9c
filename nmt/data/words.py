"""What counts as a word, a space and a blank line: one rule for all languages and all of `nmt`.

The rule does not depend on the language of a text. It is Unicode's own (UAX 29, "Unicode Text
Segmentation", with the character properties in the library `regex`), so that

- letters keep their vowel signs, accents and points: a word of Hindi, Bengali, Hebrew or Arabic is
  one word, and no word begins with a mark that belongs to the letter before it;
- ideographs and hiragana are words one by one, and so are the letters of Thai, Lao, Khmer and
  Burmese, each with its signs, since these scripts write no spaces; a run of katakana is one word;
- an emoji with everything joined to it (skin tone, family, flag, keycap) is one word.

The following rules are added, and take precedence over Unicode's:

- white space separates words, including the no-break spaces U+00A0 and U+202F, and so do letters
  that are displayed as a gap (GAP lists them all);
- a punctuation mark is a word of its own, even between letters (a run of full stops is one word);
- an apostrophe ends a word when an elided French clitic precedes it (je | t' | aime), and
  otherwise stays inside its word (don't, aujourd'hui, O'Brien);
- a hyphen stays inside its word (well-known, peut-être), except before a French clitic attached to
  its verb: the clitic is a word that begins with the hyphen (donne | -moi, a | -t-il);
- a number keeps its inner points, commas and colons (3.5, 1,000, 10:30);
- invisible characters change nothing: text is split as if bidirectional controls, soft hyphens,
  zero-width spaces, byte-order marks and control characters were absent. Inside a word they stay
  where they are; at its ends they belong to no word. Joiners that shape the letters around them
  (U+200C, U+200D) and variation selectors always stay.

Everything here runs in time linear in the length of the text.
"""

import re
from typing import NamedTuple

import regex


class Word(NamedTuple):
    """A word and its position: `text == sentence[start:end]`."""

    text: str
    start: int
    end: int


RULE = f"regex {regex.__version__}"
"""Part of the rule: the Unicode tables, which decide where words end, come with this library."""

_FILLERS = "\u2800\u3164\uffa0"  # the braille blank and the Hangul fillers: displayed as spaces
GAP = "".join(letter for letter in map(chr, range(0x3001)) if letter.isspace()) + _FILLERS
"""All that a reader sees as a space: Unicode's white space, and letters displayed as a gap."""

_SHAPING = (  # joiners, variation selectors, the tags of flags, and fillers inside syllables
    r"\u200c\u200d\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
    r"\U000e0020-\U000e007f\u115f\u1160\u17b4\u17b5"
)
_UNSEEN = rf"[[\p{{Default_Ignorable_Code_Point}}\p{{Cc}}]--[{_SHAPING}{_FILLERS}\s\x1c-\x1f]]"
_INVISIBLE = regex.compile(_UNSEEN, regex.V1)
_SEEN = regex.compile(rf"[^\p{{Default_Ignorable_Code_Point}}\p{{Cc}}\s{_FILLERS}]", regex.V1)

_PLAIN = re.compile(
    "[^\t-\r\x1c-\x7e\x85\xa0-\xac\xae-\xb6\xb9-\u02c1\u0370-\u037d\u037f-\u0386\u0388-\u0482"
    "\u048a-\u052f\u1e00-\u1eff\u2000-\u200a\u2010-\u2023\u2025\u2026\u2028\u2029\u202f-\u203e"
    "\u2041-\u2043\u2045-\u2053\u2055-\u205f\u2070-\u208e\u20a0-\u20c0\u2190-\u22ff]"
)
"""Matches any character except European letters and signs without combining marks."""

_APOSTROPHE = r"['\u2019]"
_HYPHEN = r"[-\u2010\u2011]"


def _pattern(*, runs: str, inner: str, single: str) -> str:
    """The regular expression for a word, given what makes up a word in a script.

    runs: letters that belong together; inner: what else joins two runs; single: any other word
    """
    return rf"""
      (?i: jusqu | lorsqu | puisqu | quoiqu | qu | [cdjlmnst] ) {_APOSTROPHE}
    | {runs} (?: (?: {_APOSTROPHE} | {_HYPHEN} | (?<=\d)[.,:](?=\d) {inner} ) {runs} )*
    | {single}
    """


_EUROPEAN = re.compile(
    _pattern(runs=r"[\w\u0300-\u036f]+", inner="", single=r"\.+ | \S"), re.VERBOSE
)
"""Finds the same words as `_ANY` in plain text (see `_PLAIN`), three times as fast."""


def _any_script() -> "regex.Pattern[str]":
    hangs_on = r"[\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}\p{M}]*+"
    emoji = r"\p{Emoji}\ufe0f | [0-9]\u20e3"
    letter = rf"[[\p{{WB=ALetter}}\p{{WB=Hebrew_Letter}}\p{{WB=Numeric}}\p{{No}}]--[{_FILLERS}]]"
    letters = rf"(?: (?! {emoji} ) {letter} {hangs_on} )++"
    katakana = rf"(?: \p{{WB=Katakana}} {hangs_on} )++"
    low_lines = rf"(?: [\p{{WB=ExtendNumLet}}--\s] {hangs_on} )"
    part = rf"(?: {letters} | {katakana} )"
    runs = rf"(?: {low_lines}*+ {part} (?: {low_lines}++ {part}?+ )*+ | {low_lines}++ )"
    inner = r"""
        | (?<=\d) [\u060c\u066c\u07f8\u2044\ufe50\ufe52\uff0c\uff0e] (?=\d)
        | (?<=[\p{WB=ALetter}\p{WB=Hebrew_Letter}\p{M}]) [\u00b7\u0387\u055f\u05f4\u2027]
        | (?<=[\p{WB=Hebrew_Letter}\p{M}]) " (?=\p{WB=Hebrew_Letter})
    """
    single = rf"""
        \.++ {hangs_on}
      | \p{{WB=Regional_Indicator}} {hangs_on} (?: \p{{WB=Regional_Indicator}} {hangs_on} )?+
      | (?! [\s\x1c-\x1f{_FILLERS}] ) \X {hangs_on}
        (?: (?<=\p{{InSC=Invisible_Stacker}}) \p{{LB=SA}} {hangs_on} )*+
    """
    return regex.compile(_pattern(runs=runs, inner=inner, single=single), regex.VERBOSE | regex.V1)


_ANY = _any_script()

_HANGING = re.compile(
    rf"""
      (?: {_HYPHEN} t {_HYPHEN} (?: ils? | elles? | on )
        | {_HYPHEN} (?: je | tu | ils? | elles? | on | nous | vous | moi | toi | les? | la | lui
                      | leur | y | en )
        | (?<= {_APOSTROPHE} ) (?: en | y )
      ) $
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""The last clitic of a verb."""
_LONGEST_HANGING = len("-t-elles")

_ELIDED = re.compile(rf"{_HYPHEN}[mtl]{_APOSTROPHE}$", re.IGNORECASE)
"""The clitic before a final `en` or `y`: va | -t' | en."""

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
"""Words that only look as if they ended in a clitic."""


def split_words(text: str) -> list[Word]:
    """The words of a text, in order, with their character offsets.

    >>> [word.text for word in split_words("Je t'aime\u00a0!")]
    ['Je', "t'", 'aime', '!']
    >>> [word.text for word in split_words("हिन्दी 日本 👨‍👩‍👧!")]
    ['हिन्दी', '日', '本', '👨‍👩‍👧', '!']
    """
    if _is_plain(text):
        return _cut(text, _EUROPEAN)
    if not _INVISIBLE.search(text):
        return _seen(_cut(text, _ANY))
    hidden = {match.start() for match in _INVISIBLE.finditer(text)}
    places = [place for place in range(len(text)) if place not in hidden]
    shown = "".join([text[place] for place in places])
    rule = _EUROPEAN if _is_plain(shown) else _ANY
    return [
        Word(text[start:end], start, end)
        for word in _seen(_cut(shown, rule))
        for start, end in [(places[word.start], places[word.end - 1] + 1)]
    ]


def split_words_as_before(text: str) -> list[Word]:
    """The words of a text by the first rule, of 2026: runs of `\\w` of `re` and combining accents.

    The result is the same for English and French, but words of other scripts are split at their
    marks. Models trained with this rule must go on using it.
    """
    return _cut(text, _EUROPEAN)


def is_blank(text: str) -> bool:
    r"""Whether nothing of the text is visible.

    >>> is_blank(" \u00a0\u200b\ufeff"), is_blank("\u200b.")
    (True, False)
    """
    return not "!" <= text[:1] <= "~" and _SEEN.search(text) is None


def without_invisible(text: str) -> str:
    r"""A text without the invisible characters, whose removal no reader notices.

    >>> without_invisible("co\u00adope\u200b")
    'coope'
    """
    return text if text.isascii() and text.isprintable() else _INVISIBLE.sub("", text)


def count_words(text: str) -> int:
    """The length of a text in words, as people count them.

    A word is what stands between white space, with its punctuation. For scripts without spaces,
    such as Chinese, Japanese or Thai, we count the words of `split_words` that are not punctuation.

    >>> count_words("Je t'aime !"), count_words("我爱你。"), count_words("我的 iPhone")
    (3, 3, 3)
    """
    if text.isascii() or _PLAIN.search(text) is None or not _UNSPACED.search(text):
        return len(text.split())
    return sum(
        max(1, sum(word.text[0].isalnum() for word in split_words(part)))
        if _UNSPACED.search(part)
        else 1
        for part in text.split()
    )


_UNSPACED = regex.compile(
    r"[\p{LB=SA}\p{Ideographic}\p{Script=Hira}\p{Script=Kana}\p{Script=Tibt}\p{Script=Bopo}]"
)


def clusters(text: str) -> list[str]:
    r"""The letters of a text as a reader counts them, each together with its marks.

    >>> [len(cluster) for cluster in clusters("e\u0301a🇫🇷")]
    [2, 1, 2]
    """
    return list(text) if _is_plain(text) else _CLUSTERS.findall(text)


_CLUSTERS = regex.compile(
    r"\p{WB=Regional_Indicator}\p{M}*+(?:\p{WB=Regional_Indicator}\p{M}*+)?+|\X|."
)


def _is_plain(text: str) -> bool:
    return (text.isascii() and text.isprintable()) or _PLAIN.search(text) is None


def _seen(words: list[Word]) -> list[Word]:
    """Drop words that consist only of joiners and selectors with nothing to join or select."""
    return [word for word in words if _SEEN.search(word.text)]


def _cut(text: str, rule: "re.Pattern[str] | regex.Pattern[str]") -> list[Word]:
    matches = rule.finditer(text)
    if not _INNER_HYPHEN.search(text):  # no verb can have a clitic
        return [Word(match.group(), *match.span()) for match in matches]
    return [word for match in matches for word in _without_clitics(match.group(), match.start())]


def _without_clitics(text: str, start: int) -> list[Word]:
    """Split the clitics off the end of a verb: donne-le-moi -> donne | -le | -moi."""
    cuts = _clitics(text) if _INNER_HYPHEN.search(text) else []
    if not cuts or text.casefold() in _WHOLE:
        return [Word(text, start, start + len(text))]
    cuts = [0, *cuts, len(text)]
    return [
        Word(text[begin:end], start + begin, start + end)
        for begin, end in zip(cuts, cuts[1:], strict=False)
    ]


def _clitics(text: str) -> list[int]:
    """Where the clitics at the end of a word begin; searched backwards, so in linear time."""
    cuts: list[int] = []
    end = len(text)
    while True:
        first = max(0, end - _LONGEST_HANGING)
        match = _HANGING.search(text[first:end])
        if match is None and cuts and text[cuts[-1] :].casefold() in ("en", "y"):
            match = _ELIDED.search(text[first:end])
        if match is None or first + match.start() == 0:
            return cuts[::-1]
        end = first + match.start()
        cuts.append(end)
