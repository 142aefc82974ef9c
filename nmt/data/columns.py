"""Which two columns of a table hold the sentences and their translations.

Corpora name them in many ways: `en` and `fr`, `translation.en` and `translation.fr`, `english` and
`non_english`, `text_en` and `text_fr`. What these have in common is a frame with a language in it:
two columns belong together when they differ in the language only.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from nmt.errors import DataError

NAMES = {  # other spellings of a language code, as columns of published corpora have them
    "ar": ("ara", "arabic"),
    "cs": ("ces", "cze", "czech"),
    "da": ("dan", "danish"),
    "de": ("deu", "ger", "german", "deutsch"),
    "el": ("ell", "gre", "greek"),
    "en": ("eng", "english"),
    "es": ("spa", "spanish", "español"),
    "fi": ("fin", "finnish"),
    "fr": ("fra", "fre", "french", "français", "francais"),
    "hi": ("hin", "hindi"),
    "it": ("ita", "italian"),
    "ja": ("jpn", "japanese"),
    "ko": ("kor", "korean"),
    "nl": ("nld", "dut", "dutch"),
    "pl": ("pol", "polish"),
    "pt": ("por", "portuguese"),
    "ro": ("ron", "rum", "romanian"),
    "ru": ("rus", "russian"),
    "sv": ("swe", "swedish"),
    "tr": ("tur", "turkish"),
    "uk": ("ukr", "ukrainian"),
    "zh": ("zho", "chi", "chinese"),
}
PREFERRED = ("*", "translation.*")
Pair = tuple[str, str]


def find_pair(
    columns: Sequence[str],
    languages: Pair,
    *,
    named: tuple[str | None, str | None] = (None, None),
    headers_only: bool = False,
) -> Pair:
    """The source and target columns among the text columns of a table.

    Nested columns are written with a dot (`translation.en`). `named` are the columns that a
    config names; `headers_only` accepts nothing but a language's own name, for a first line that
    may be a header or a sentence.

    Raises:
        DataError: a column is missing or several would do; the text lists the columns found.

    >>> find_pair(["id", "translation.en", "translation.fr"], ("en", "fr"))
    ('translation.en', 'translation.fr')
    >>> find_pair(["english", "non_english"], ("en", "fr"))
    ('english', 'non_english')
    """
    for column in named:
        if column is not None and column not in columns:
            raise DataError(f"no text column '{column}'; {_listing(columns)}")
    source, target = named
    if source is not None and target is not None:
        return source, target
    frames = _frames(columns, languages, headers_only)
    pair = _in_one_frame(frames, columns, languages)
    return source or pair[0], target or pair[1]


def language_name(code: str) -> str:
    """`French ('fr')`, for messages."""
    full = next((name for name in NAMES.get(code, ()) if len(name) > 3), None)
    return f"{full.capitalize()} ('{code}')" if full else f"'{code}'"


def _in_one_frame(
    frames: dict[str, tuple[list[str], list[str]]], columns: Sequence[str], languages: Pair
) -> Pair:
    complete = {frame: sides for frame, sides in frames.items() if all(sides)}
    for frame in PREFERRED:
        if frame in complete:
            complete = {frame: complete[frame]}
    found = [(source, target) for sources, targets in complete.values()
             for source in sources for target in targets if source != target]  # fmt: skip
    if not found:  # `english` and `text_fr`: no frame in common, but one column for each
        sides = [{column for pair in frames.values() for column in pair[side]} for side in (0, 1)]
        found = [(source, target) for source in sides[0] for target in sides[1]]
        _refuse_a_missing_side(sides, columns, languages)
    if len(found) > 1:
        pairs = ", ".join(f"{source} and {target}" for source, target in sorted(found))
        raise DataError(
            f"several pairs of columns would do ({pairs}); "
            "name one with data.source_column and data.target_column"
        )
    return found[0]


def _refuse_a_missing_side(
    sides: Sequence[set[str]], columns: Sequence[str], languages: Pair
) -> None:
    missing = [language_name(name) for name, side in zip(languages, sides, strict=True) if not side]
    if not missing:
        return
    if len(columns) == 1:
        raise DataError(
            f"one text column only ('{columns[0]}'), so this is no parallel corpus; "
            "choose another data set"
        )
    raise DataError(
        f"no column for {' and '.join(missing)}; {_listing(columns)}; choose another data set, or "
        "name the columns with data.source_column and data.target_column"
    )


def _listing(columns: Iterable[str]) -> str:
    names = list(columns)
    return f"it has the text columns {', '.join(names)}" if names else "it has no text column"


def _frames(
    columns: Iterable[str], languages: Pair, headers_only: bool
) -> dict[str, tuple[list[str], list[str]]]:
    """Frame -> the columns that it makes with the source's and with the target's language."""
    frames: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for column in columns:
        for side, code in enumerate(languages):
            other = languages[1 - side]
            for frame in _frames_of(column, code, other):
                if frame == "*" or not headers_only:
                    frames[frame][side].append(column)
    return frames


def _frames_of(column: str, code: str, other: str) -> Iterable[str]:
    """The column's name with the language replaced by a star, if it is in there."""
    name = column.casefold()
    for against in (other, *NAMES.get(other, ())):
        if re.fullmatch(rf"non[_\- ]?{re.escape(against)}", name):
            return ["*"]
    spellings = {code.casefold(), *NAMES.get(code, ())}
    words = re.split(r"(\W+|_)", name)
    return [
        "".join([*words[:place], "*", *words[place + 1 :]])
        for place, word in enumerate(words)
        if word in spellings and "non" not in words[:place]
    ]
