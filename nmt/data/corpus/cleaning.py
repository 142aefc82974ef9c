"""Clean raw text before training: normalise it, then filter the pairs.

Every split is normalised, which never changes what a reader sees: Unicode NFC, line separators and
tabs to spaces, control characters removed, spaces of any kind stripped at both ends. No-break
spaces, apostrophes and quotation marks stay as they are, and so do invisible letters inside a text;
a text of nothing else is empty (`nmt.data.words` defines what is blank). Only train is filtered:
from validation and test we drop only pairs with an empty side, so that scores stay comparable.
Every change is counted and reported.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from itertools import chain, groupby
from unicodedata import combining, is_normalized, normalize

from nmt.config import CleaningConfig
from nmt.data.corpus.dedup import Repeats
from nmt.data.corpus.on_disk import where, writing
from nmt.data.corpus.types import Bitext, Cleaning, Raw, RawBitext, RawStream
from nmt.data.words import GAP, count_words, is_blank

EMPTY = "empty side"
LONG_WORDS = "too many words"
LONG_CHARACTERS = "too many characters"
RATIO = "length ratio"
DUPLICATE = "duplicate"
HELD_OUT = "source in validation or test"
CONFIG_KEYS = {
    LONG_WORDS: "data.cleaning.max_words",
    LONG_CHARACTERS: "data.cleaning.max_characters",
    RATIO: "data.cleaning.max_ratio",
    DUPLICATE: "data.cleaning.drop_duplicates",
    HELD_OUT: "data.cleaning.drop_held_out",
}
SLACK_WORDS = 5  # "Thanks!" may well be "Je vous remercie beaucoup !"

_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_SEPARATORS = (
    ("line separator to space", re.compile("[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+ *")),
    ("tab to space", re.compile("[\t\x1f]+ *")),
)
_LETTERS = (
    ("control character removed", re.compile("[\x00-\x1f\x7f-\x9f\ufeff]"), ""),
    ("half a surrogate pair to U+FFFD", re.compile("[\ud800-\udfff]"), "\ufffd"),
)
_OUTER = GAP + "\u00ad\u180e\u200b\u2060\ufeff"
"""Stripped from both ends: spaces, and invisible separators and joiners with nothing to act on."""
_SHORT = 1000
"""Letters; up to this length `unicodedata` is quick to sort any run of marks."""


def normalized(text: str, counts: Counter[str]) -> str:
    r"""The normalised text; what was rewritten is added to `counts`.

    >>> normalized(" Un caf\u0065\u0301 !\r\n", Counter())
    'Un café !'
    >>> normalized("\ufeff\u200b\u00a0", Counter())
    ''
    """
    if text.isascii() and text.isprintable():
        trimmed = text.strip()
    else:
        text = rewritten(text, counts)
        trimmed = "" if is_blank(text) else text.strip(_OUTER)
    if len(trimmed) != len(text):
        counts["outer space removed"] += 1
    return trimmed


def rewritten(text: str, counts: Counter[str]) -> str:
    """The same as `normalized`, but with the outer spaces kept."""
    if _UNWANTED.search(text):
        for name, pattern in _SEPARATORS:
            before, *parts = pattern.split(text)
            if parts:
                *inner, last = before, *parts
                text = " ".join([*(part.rstrip(" ") for part in inner), last])
                counts[name] += 1
        for name, pattern, replacement in _LETTERS:
            text, times = pattern.subn(replacement, text)
            counts[name] += times > 0
    ordered = text if len(text) <= _SHORT or text.isascii() else _decomposed(text)
    if not is_normalized("NFC", ordered):
        ordered = normalize("NFC", ordered)
    counts["composed to Unicode NFC"] += ordered != text
    return ordered


def _decomposed(text: str) -> str:
    """NFD in O(n log n); `unicodedata` takes quadratic time to sort a long run of marks."""
    letters = chain.from_iterable(normalize("NFD", letter) for letter in text)
    runs = groupby(letters, key=lambda letter: combining(letter) > 0)
    return "".join("".join(sorted(run, key=combining) if marks else run) for marks, run in runs)


def clean(
    raw: Raw, config: CleaningConfig, *, held_out: Collection[str] = ()
) -> tuple[Bitext, Cleaning]:
    """Normalise and filter the training pairs; the result of a long corpus is kept on disk."""
    if isinstance(raw, RawStream):
        return _clean_stream(raw, config, held_out)
    tidied, report = tidy(raw)
    kept, dropped = filter_pairs(tidied, config, held_out=held_out)
    return kept, replace(report, kept=len(kept), dropped={**report.dropped, **dropped})


def _clean_stream(
    raw: RawStream, config: CleaningConfig, held_out: Collection[str]
) -> tuple[Bitext, Cleaning]:
    """Clean chunk by chunk; duplicates are removed at the end, when all pairs have been seen."""
    per_pair = config.model_copy(update={"drop_duplicates": False})
    read = 0
    dropped: Counter[str] = Counter()
    rewritten: Counter[str] = Counter()
    with writing() as writer, Repeats() as repeats:
        for chunk in raw.chunks():
            tidied, report = tidy(RawBitext(*chunk))
            kept, reasons = filter_pairs(tidied, per_pair, held_out=held_out)
            writer.write(kept)
            if config.drop_duplicates:
                repeats.add(kept)
            read += report.read
            rewritten.update(report.normalized)
            dropped.update(report.dropped)
            dropped.update(reasons)
        first = repeats.first()
    train = writer.file().bitext()
    if config.drop_duplicates and not first.all():
        dropped[DUPLICATE] = int((~first).sum())
        train = where(train, first)
    return train, Cleaning(read, len(train), dict(dropped), dict(rewritten))


def tidy(raw: Raw) -> tuple[Bitext, Cleaning]:
    """Normalise a split and leave out pairs with an empty side."""
    counts: Counter[str] = Counter()
    read = 0
    sources: list[str] = []
    targets: list[str] = []
    for chunk in raw.chunks():
        for source, target in zip(*chunk, strict=True):
            read += 1
            source = normalized(source, counts) if source else ""
            target = normalized(target, counts) if target else ""
            if source and target:
                sources.append(source)
                targets.append(target)
    empty = read - len(sources)
    dropped = {EMPTY: empty} if empty else {}
    return Bitext(sources, targets), Cleaning(read, len(sources), dropped, _positive(counts))


def filter_pairs(
    train: Bitext, config: CleaningConfig, *, held_out: Collection[str] = ()
) -> tuple[Bitext, dict[str, int]]:
    """Filter the training pairs; returns the pairs kept, and reason -> number of pairs dropped."""
    forbidden = held_out if config.drop_held_out else ()
    seen: set[tuple[str, str]] = set()
    dropped: Counter[str] = Counter()
    kept: list[tuple[str, str]] = []
    for pair in train:
        reason = _unfit(*pair, config)
        if reason is None and pair[0] in forbidden:
            reason = HELD_OUT
        if reason is None and config.drop_duplicates:
            size = len(seen)
            seen.add(pair)
            reason = DUPLICATE if len(seen) == size else None
        if reason is None:
            kept.append(pair)
        else:
            dropped[reason] += 1
    return Bitext.of(iter(kept)), dict(dropped)


def _unfit(source: str, target: str, config: CleaningConfig) -> str | None:
    """Why a pair is dropped, regardless of the other pairs; None if it is kept."""
    if max(len(source), len(target)) > config.max_characters:
        return LONG_CHARACTERS
    few, many = sorted((count_words(source), count_words(target)))
    if many > config.max_words:
        return LONG_WORDS
    return RATIO if exceeds_ratio(few, many, config.max_ratio) else None


def exceeds_ratio(few: int, many: int, ratio: float) -> bool:
    """Whether the longer side has too many words for the shorter one."""
    return many > few * ratio + SLACK_WORDS


def advice(dropped: Iterable[str]) -> str:
    """Which config keys to change if cleaning has left no pairs."""
    keys = [CONFIG_KEYS[reason] for reason in dropped if reason in CONFIG_KEYS]
    return f"change {' or '.join(keys)}" if keys else "choose another data set"


def _positive(counts: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}
