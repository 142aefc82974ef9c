"""The units that BLEU and TER count in a language written without spaces between words.

BLEU's usual tokenizer, 13a, treats a Chinese or Thai sentence as a single word, so near-perfect
translations score 0. Post (2018), section 2: https://aclanthology.org/W18-6319
"""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from sacrebleu.metrics import BLEU

from nmt.data.formats.languages import language_of


class Segmentation(NamedTuple):
    """How a text is segmented before its units are counted."""

    bleu: str
    """sacrebleu's name of BLEU's tokenizer."""
    ter: str
    """`spaces`, `asian` (tercom's rules for Chinese and Japanese), or `char`."""


SPACED = Segmentation("13a", "spaces")
LETTERS = Segmentation("char", "char")
SCRIPTS: dict[str, str] = {
    "zh": r"[\u2e80-\u2fdf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]",
    "ja": r"[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f]",
    "th": r"[\u0e00-\u0e7f]",
    "lo": r"[\u0e80-\u0eff]",
    "bo": r"[\u0f00-\u0fff]",
    "my": r"[\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f]",
    "km": r"[\u1780-\u17ff\u19e0-\u19ff]",
}
"""The letters of scripts without spaces, each under its best-known language."""
CODES: dict[str, str] = {
    script: code
    for code, names in {
        "zh": "Hans Hant Hani", "ja": "Jpan Hira Kana Hrkt", "ko": "Kore Hang", "th": "Thai",
        "lo": "Laoo", "bo": "Tibt", "my": "Mymr", "km": "Khmr",
    }.items()
    for script in names.split()
}  # fmt: skip
"""ISO 15924 scripts, each with its code here."""


def segmentation(language: str, references: Iterable[str] = ()) -> Segmentation:
    """How texts of a language are segmented; an unknown language is judged by its script.

    language: a tag, code or name, such as zh, zh-Hant, zh_CN, cmn, Thai

    >>> [segmentation(name).bleu for name in ("fr-CA", "zh_TW", "tha_Thai", "zh-Latn")]
    ['13a', 'zh', 'char', '13a']
    """
    named = language_of(language)
    code = CODES.get(named.script or named.likely_script or "") if named else None
    if code is None and not (named and named.script):  # the name may be that of a column
        code = _by_script(references)
    if code == "zh":
        return Segmentation("zh", "asian")
    if code == "ja":
        return Segmentation("ja-mecab" if _installed("ja-mecab") else "char", "asian")
    if code == "ko":  # it has spaces, but one unit between them may hold several words
        return Segmentation("ko-mecab" if _installed("ko-mecab") else "char", "spaces")
    return LETTERS if code in SCRIPTS else SPACED


def _by_script(references: Iterable[str]) -> str | None:
    """The language of the script without spaces that holds most letters, if there is one."""
    counts: Counter[str] = Counter()
    letters = 0
    for line in references:
        letters += sum(map(str.isalpha, line))
        if not line.isascii():
            counts.update({code: len(re.findall(letter, line)) for code, letter in SCRIPTS.items()})
    if 2 * counts.total() <= letters or not letters:
        return None
    if counts["zh"] + counts["ja"] > counts.total() / 2:
        return "ja" if 10 * counts["ja"] > counts["zh"] else "zh"
    return max(counts, key=lambda code: counts[code])


@cache
def _installed(tokenizer: str) -> bool:
    """Whether a tokenizer and its dictionary are installed."""
    try:
        BLEU(tokenize=tokenizer)
    except (ImportError, RuntimeError):
        return False
    return True
