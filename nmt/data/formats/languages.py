"""What a text calls a language: a BCP 47 tag, an ISO 639 code, or a name.

`fr`, `FR`, `fra`, `fre`, `french` and `français` are one language; `fr-CA`, `fr_CA` and `fr` are
the same language otherwise. The tables are those of the IANA registry and of the CLDR.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import combining, normalize

TAG = re.compile(r"[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|\d{3}))?")
FAMILIES = {"nb": "no", "nn": "no"}  # which the CLDR does not merge
LONGEST = 60  # letters of a name; "Simplified Chinese" has 18
EXACT, EQUAL, ALIKE = range(3)  # how near a name is to the tag that is looked for


@dataclass(frozen=True)
class Language:
    """The parts of a tag that tell texts apart."""

    primary: str
    family: str
    """The macrolanguage, such as zh of cmn; else the primary language."""
    script: str | None
    region: str | None
    likely_script: str | None
    """The script that goes without saying: Latn of fr, Hant of zh-TW."""


@lru_cache(maxsize=4096)
def language_of(text: str, spoken: tuple[str, ...] = ("en",)) -> Language | None:
    """The language that a text names, if it names one and nothing else.

    spoken: the languages that names of languages may be written in.

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
    asked = language_of(wanted)
    if asked is None:
        return None
    found = language_of(text, spoken)
    if found is None and _unaccented(text) in _names(asked.primary, spoken):
        found = language_of(asked.primary)
    if found is None or not _related(found, asked):
        return None
    if (found.primary, found.script or found.likely_script, found.region) == (
        asked.primary, asked.script or asked.likely_script, asked.region,
    ):  # fmt: skip
        return EQUAL
    told = (asked.script or asked.region) and (found.script or found.region)
    if told and found.likely_script != asked.likely_script:
        return None  # traditional and simplified Chinese are two ways to write
    return ALIKE


def primary(code: str) -> str:
    """The bare language of a tag: `fr` of `fr-CA` and of `fra`; what is not a tag stays."""
    found = language_of(code)
    return found.primary if found else code.casefold()


def language_name(code: str) -> str:
    """`French ('fr')`, for messages."""
    if language_of(code) is None:
        return f"'{code}'"
    from langcodes import Language as Tag

    return f"{Tag.get(code.replace('_', '-')).display_name()} ('{code}')"


def _folded(text: str) -> str:
    return text.strip().casefold().replace("_", "-")


def _related(one: Language, other: Language) -> bool:
    """The same language, or one is the macrolanguage of the other: no of nb, but not nn of nb."""
    known = {one.primary, other.primary}
    return len(known) == 1 or (one.family == other.family and one.family in known)


@lru_cache(maxsize=256)
def _names(code: str, spoken: tuple[str, ...]) -> frozenset[str]:
    """What a language is called, without accents: `francais`."""
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
    """A name of one word in a spoken language, or one of several in English."""
    if not all(letter.isalpha() or letter in " -()'" for letter in folded):
        return None
    words = folded.split()
    if len(words) > 1:  # the library takes "English words" for English: look at the last word
        whole, last = _found(folded, "en"), language_of(words[-1])
        return whole if whole and last and whole.primary == last.primary else None
    for language in spoken:
        if found := _found(folded, language):
            return found
    return None


def _found(name: str, language: str) -> Language | None:
    import langcodes

    try:
        return _parts(langcodes.find(name, language=language).to_tag())
    except (LookupError, ValueError, OSError):  # it has no names in some languages
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
