"""Recognise the names of languages: BCP 47 tags, ISO 639 codes, and names in words.

`fr`, `FR`, `fra`, `fre`, `french` and `français` are the same language; `fr-CA` and `fr_CA` are a
variant of it. The tables are those of the IANA registry and the CLDR.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import combining, normalize

TAG = re.compile(r"[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|\d{3}))?")
FAMILIES = {"nb": "no", "nn": "no"}  # macrolanguages that the CLDR lacks
LONGEST = 60  # letters of a name; "Simplified Chinese" has 18
EXACT, EQUAL, ALIKE = range(3)  # how closely a name matches a tag


@dataclass(frozen=True)
class Language:
    """The parts of a language tag that distinguish texts."""

    primary: str
    family: str
    """The macrolanguage, such as zh for cmn; otherwise the primary language."""
    script: str | None
    region: str | None
    likely_script: str | None
    """The usual script of the language: Latn for fr, Hant for zh-TW."""


@lru_cache(maxsize=4096)
def language_of(text: str, spoken: tuple[str, ...] = ("en",)) -> Language | None:
    """The language that a text names, or None if it is anything but the name of one language.

    spoken: the languages in which the name may be written.

    >>> language_of("fr_CA").region, language_of("Brazilian Portuguese").region
    ('CA', 'BR')
    >>> language_of("français"), language_of("français", ("en", "fr")).primary
    (None, 'fr')
    """
    folded = text.strip().casefold().replace("_", "-")
    if not 2 <= len(folded) <= LONGEST:
        return None
    return _of_tag(folded) if TAG.fullmatch(folded) else _of_name(folded, spoken)


def closeness(text: str, wanted: str, spoken: tuple[str, ...] = ("en",)) -> int | None:
    """EXACT, EQUAL (`fra` for `fr`), ALIKE (`fr-CA` for `fr`), or None for another language.

    >>> [closeness(text, "fr") for text in ("FR", "fre", "fr_CA", "en", "id")]
    [0, 1, 2, None, None]
    """
    if _folded(text) == _folded(wanted):
        return EXACT
    target = language_of(wanted)
    if target is None:
        return None
    named = language_of(text, spoken)
    if named is None and _unaccented(text) in _names(target.primary, spoken):
        named = language_of(target.primary)
    if named is None or not _related(named, target):
        return None
    if (named.primary, named.script or named.likely_script, named.region) == (
        target.primary, target.script or target.likely_script, target.region,
    ):  # fmt: skip
        return EQUAL
    distinct = (target.script or target.region) and (named.script or named.region)
    if distinct and named.likely_script != target.likely_script:
        return None  # such as traditional and simplified Chinese
    return ALIKE


def primary(code: str) -> str:
    """The primary language of a tag: `fr` for `fr-CA` and `fra`; other text is only folded."""
    language = language_of(code)
    return language.primary if language else code.casefold()


def language_name(code: str) -> str:
    """`French ('fr')`, for messages."""
    if language_of(code) is None:
        return f"'{code}'"
    from langcodes import Language as Tag

    return f"{Tag.get(code.replace('_', '-')).display_name()} ('{code}')"


def _folded(text: str) -> str:
    return text.strip().casefold().replace("_", "-")


def _related(one: Language, other: Language) -> bool:
    """Whether two are the same, or one is the macrolanguage of the other (no of nb, not nn)."""
    known = {one.primary, other.primary}
    return len(known) == 1 or (one.family == other.family and one.family in known)


@lru_cache(maxsize=256)
def _names(code: str, spoken: tuple[str, ...]) -> frozenset[str]:
    """The names of a language, without accents: `francais`."""
    from langcodes import Language as Tag

    return frozenset(_unaccented(Tag.get(code).display_name(language)) for language in spoken)


def _unaccented(text: str) -> str:
    return "".join(letter for letter in normalize("NFD", _folded(text)) if not combining(letter))


def _of_tag(folded: str) -> Language | None:
    import langcodes  # 30 ms

    if not langcodes.tag_is_valid(folded):
        return None
    return _parts(folded)


def _of_name(folded: str, spoken: tuple[str, ...]) -> Language | None:
    """A one-word name in one of the spoken languages, or a longer one in English."""
    if not all(letter.isalpha() or letter in " -()'" for letter in folded):
        return None
    words = folded.split()
    if len(words) > 1:  # the library reads "English words" as English: check the last word, too
        whole, last = _look_up(folded, "en"), language_of(words[-1])
        return whole if whole and last and whole.primary == last.primary else None
    for language in spoken:
        if match := _look_up(folded, language):
            return match
    return None


def _look_up(name: str, language: str) -> Language | None:
    import langcodes

    try:
        return _parts(langcodes.find(name, language=language).to_tag())
    except (LookupError, ValueError, OSError):  # the library lacks the names in some languages
        return None


def _parts(tag: str) -> Language:
    from langcodes import Language as Tag
    from langcodes import standardize_tag

    plain = Tag.get(tag)
    short = Tag.get(standardize_tag(tag))
    family = Tag.get(standardize_tag(tag, macro=True))
    language = short.language or tag
    return Language(
        language,
        FAMILIES.get(language, family.language or tag),
        plain.script,
        short.territory,
        short.maximize().script,
    )
