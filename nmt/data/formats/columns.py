"""Find the two columns of a table that hold the sentences and their translations.

Corpora name them in many ways: `en` and `fr`, `translation.en` and `translation.fr`, `english` and
`non_english`, `text_en` and `text_fr`. All of these are a frame with a language in it (`text_*`):
two columns belong together if they differ only in the language. If no column names a language,
`source` and `target` are accepted too. One column never serves as both sides.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from nmt.config import DataConfig
from nmt.data.formats.languages import ALIKE, EXACT, closeness, language_name, language_of, primary
from nmt.errors import DataError

PREFERRED = ("*", "translation.*")
ROLES = ({"source", "src"}, {"target", "tgt", "trg"})
ABOUT = {"lang", "language", "id", "url", "length", "len", "score", "tokens", "ids"}  # metadata
HEADINGS = {"id", "index", "text", "sentence", "translation", "lang", "language", "score"}
SUBTAGS = 3  # words in the name of a language, at most: zh_Hans_CN, Brazilian Portuguese
LONGEST = 80  # characters: a longer column name is not searched for a language
SHOWN = 20  # columns listed in a message
Pair = tuple[str, str]
Named = tuple[str | None, str | None]
Sides = tuple[dict[str, int], dict[str, int]]  # for each side: column -> closeness of its language


def find_pair(
    columns: Sequence[str],
    languages: Pair,
    *,
    named: Named = (None, None),
    headers_only: bool = False,
) -> Pair:
    """The source and target columns among the text columns of a table; never one column twice.

    Nested columns are written with a dot (`translation.en`). `named` are the columns that a config
    names. `headers_only` accepts only a pair of columns that differ in the language alone, for a
    first line that may be a header or a sentence.

    Raises:
        DataError: a column is missing or the choice is ambiguous; the message lists the columns.

    >>> find_pair(["id", "translation.en", "translation.fr"], ("en", "fr"))
    ('translation.en', 'translation.fr')
    >>> find_pair(["english", "non_english"], ("en", "fr"))
    ('english', 'non_english')
    >>> find_pair(["en-US", "fr_CA"], ("eng", "fra"))
    ('en-US', 'fr_CA')
    """
    for column in named:
        if column is not None and column not in columns:
            raise DataError(f"no text column '{_shown(column)}'; {_listing(columns)}")
    source, target = named
    if source is None or target is None:
        source, target = _search(columns, languages, named, headers_only)
    if source == target:
        raise DataError(
            f"data.source_column and data.target_column are both '{_shown(source)}': "
            "source and target must be different columns"
        )
    for column in (source, target):
        if columns.count(column) > 1:
            raise DataError(
                f"{columns.count(column)} columns are called '{_shown(column)}'; rename one"
            )
    return source, target


def named_columns(config: DataConfig) -> Named:
    """The columns that a config names, as strings, even where it gives numbers."""
    source, target = config.source_column, config.target_column
    return (None if source is None else str(source), None if target is None else str(target))


def is_heading(cell: str) -> bool:
    """Whether a cell looks like a column name rather than a sentence.

    >>> [is_heading(cell) for cell in ("fr-CA", "German", "id", "tgt", "Go!", "Hello")]
    [True, True, True, True, False, False]
    """
    word = cell.strip().casefold()
    return word in HEADINGS.union(*ROLES) or language_of(word) is not None


def _search(columns: Sequence[str], languages: Pair, named: Named, headers_only: bool) -> Pair:
    """Search by language first, then by role. A column named for one side is not the other."""
    frames = _frames(columns, languages)
    for candidates in (frames, _role_frames(columns)):
        pairs = _complete(candidates, named)
        if not pairs and not headers_only:
            pairs = _lone(candidates, named)
        if len(pairs) > 1:
            several = ", ".join(
                f"{_shown(source)} and {_shown(target)}" for source, target in pairs[:SHOWN]
            )
            raise DataError(
                f"several pairs of columns match ({several}{_more(pairs)}); "
                "name one with data.source_column and data.target_column"
            )
        if pairs:
            return pairs[0]
    raise _missing(frames, columns, languages, named)


def _complete(frames: dict[str, Sides], named: Named) -> list[Pair]:
    """The pairs of columns with the same frame."""
    complete = {frame: pairs for frame, sides in frames.items() if (pairs := _pairs(sides, named))}
    for frame in PREFERRED:
        if frame in complete:
            return complete[frame]
    return sorted({pair for pairs in complete.values() for pair in pairs})


def _lone(frames: dict[str, Sides], named: Named) -> list[Pair]:
    """Pairs with different frames but one column for each side, such as `english`, `text_fr`."""
    sides: Sides = ({}, {})
    for pair in frames.values():
        for side, columns in zip(sides, pair, strict=True):
            for column, near in columns.items():
                side[column] = min(near, side.get(column, near))
    both = sides[0].keys() & sides[1].keys()
    alone = [{c: near for c, near in side.items() if c not in both} for side in sides]
    return sorted(set(_pairs((alone[0], alone[1]), named)))


def _pairs(sides: Sides, named: Named) -> list[Pair]:
    """Every closest source column with every closest target column."""
    chosen = []
    for side, name, other in zip(sides, named, reversed(named), strict=True):
        candidates = {column: near for column, near in side.items() if column != other}
        nearest = min(candidates.values(), default=EXACT)
        closest = [column for column, near in candidates.items() if near == nearest]
        chosen.append(closest if name is None else [name])
    return [(source, target) for source in chosen[0] for target in chosen[1] if source != target]


def _missing(
    frames: dict[str, Sides], columns: Sequence[str], languages: Pair, named: Named
) -> DataError:
    sides = [{c for pair in frames.values() for c in pair[side]} for side in (0, 1)]
    both = sorted(sides[0] & sides[1])
    advice = "name the columns with data.source_column and data.target_column"
    if both:
        return DataError(
            f"the column '{_shown(both[0])}' names both languages: if each of its cells holds a "
            "sentence and its translation, split it into two columns; cells are separated by tabs, "
            "commas, semicolons or '|'"
        )
    missing = [
        language_name(code)
        for code, side, name in zip(languages, sides, named, strict=True)
        if name is None and not side - set(named)
    ]
    if len(columns) == 1:
        return DataError(
            f"only one text column ('{_shown(columns[0])}'), so this is not a parallel corpus; "
            "choose another data set"
        )
    return DataError(
        f"no column for {' and '.join(missing) or 'both languages'}; {_listing(columns)}; "
        f"choose another data set, or {advice}"
    )


def _listing(columns: Sequence[str]) -> str:
    if not columns:
        return "it has no text column"
    shown = ", ".join(map(_shown, columns[:SHOWN]))
    return f"it has the text columns {shown}{_more(columns)}"


def _more(items: Sequence[object]) -> str:
    return f" and {len(items) - SHOWN:,} more" if len(items) > SHOWN else ""


def _shown(name: str) -> str:
    """An untrusted name made safe to print in one line."""
    plain = "".join(letter if letter.isprintable() else "\ufffd" for letter in name)
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}..."


def _frames(columns: Iterable[str], languages: Pair) -> dict[str, Sides]:
    """Frame -> its columns with the source language, and those with the target language."""
    frames: dict[str, Sides] = defaultdict(lambda: ({}, {}))
    for column in columns:
        if len(column) > LONGEST:
            continue
        for side, code in enumerate(languages):
            for frame, near in _frames_of(column, code, languages[1 - side]):
                columns_of_side = frames[frame][side]
                columns_of_side[column] = min(near, columns_of_side.get(column, near))
    return frames


def _frames_of(column: str, code: str, other: str) -> Iterator[tuple[str, int]]:
    """For each mention of the language `code` in a name: its frame, and how close the match is.

    A frame is the name with the language replaced by a star.
    """
    name = column.strip().casefold()
    spoken = ("en", primary(code), primary(other))
    if (match := re.fullmatch(r"non[_\- ]?(.+)", name)) and _is(match[1], other, spoken):
        yield "*", EXACT
        return
    words = re.split(r"(\W+|_)", name)
    for start in range(0, len(words), 2):
        if "non" in words[:start]:
            return
        for count in range(SUBTAGS, 0, -1):
            stop = start + 2 * count - 1
            text = "".join(words[start:stop])
            if (
                stop > len(words)
                or not text
                or not set(words[start + 1 : stop : 2]) <= {"-", "_", " "}
            ):
                continue
            near = closeness(text, code, spoken)
            if near is None and count > 1 and _is(primary(text), code, spoken):
                break  # such as zh-CN when the config says zh-Hant
            if near is None or (near == ALIKE and _has_subtag(text, other)):
                continue
            yield "".join([*words[:start], "*", *words[stop:]]), near
            break  # take the longest tag that begins here: fr-CA, not fr and a rest


def _is(text: str, code: str, spoken: tuple[str, ...]) -> bool:
    return closeness(text, code, spoken) is not None


def _has_subtag(text: str, other: str) -> bool:
    """Whether a tag such as `en-fr` may be two languages, rather than the English of France."""
    return primary(other) in re.split(r"[-_ ]", text)[1:]


def _role_frames(columns: Iterable[str]) -> dict[str, Sides]:
    """The same with roles (`source`, `target`) in place of languages."""
    frames: dict[str, Sides] = defaultdict(lambda: ({}, {}))
    for column in columns:
        words = re.split(r"(\W+|_)", column.strip().casefold()[:LONGEST])
        if ABOUT.intersection(words):
            continue
        for side, role in enumerate(ROLES):
            for place in range(0, len(words), 2):
                if words[place] in role:
                    frames["".join([*words[:place], "*", *words[place + 1 :]])][side][column] = (
                        EXACT
                    )
    return frames
