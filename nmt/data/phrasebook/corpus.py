"""The corpus: sentences drawn from the grammar, the hand-written pairs, and the three splits."""

from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import accumulate
from random import Random

from nmt.data.phrasebook.everyday import EVERYDAY
from nmt.data.phrasebook.grammar import FRAMES
from nmt.data.phrasebook.pair import AlignedPair
from nmt.data.phrasebook.surface import render, tells_style
from nmt.data.words import split_words

DRAWN = 25_000
"""Pairs in the default corpus that are drawn from the grammar, besides the hand-written ones."""

HELD_OUT = 1_000
"""Pairs in the validation split, and also in the test split."""

_KNOWN_WELL = 5
"""The least number of times that a word of a held-out sentence occurs in training."""

_WRITTEN = 0.6
"""Share of sentences with a capital and a final mark, among those that may have them."""

Links = tuple[tuple[int, int], ...]


def key(sentence: str) -> str:
    """A key for a sentence that ignores letter case and final marks."""
    return sentence.casefold().rstrip(" .!?\u00a0")


def draws(seed: int) -> Iterator[AlignedPair]:
    """An endless stream of sentences from the grammar, including repetitions."""
    draw = Random(f"phrasebook {seed}")
    ordered = (FRAMES[name] for name in sorted(FRAMES))
    frames, weights = zip(*ordered, strict=True)
    bounds = tuple(accumulate(weights))
    while True:
        (chosen,) = draw.choices(frames, cum_weights=bounds)
        phrase, mark = chosen(draw)
        yield render(phrase, mark, written=draw.random() < _WRITTEN and tells_style(phrase))


def distinct(seed: int, count: int) -> list[AlignedPair]:
    """The first `count` distinct sentences of the grammar that are not among the hand-written."""
    seen = {key(pair.source) for pair in EVERYDAY}
    pairs: list[AlignedPair] = []
    for pair in draws(seed):
        if len(pairs) == count:
            break
        mine = key(pair.source)
        if mine not in seen:
            seen.add(mine)
            pairs.append(pair)
    return pairs


def splits(seed: int = 1) -> dict[str, list[AlignedPair]]:
    """The corpus as train, validation and test; another seed draws other sentences.

    A held-out sentence is a new combination of known words: no other sentence shares its source
    or its translation, and each of its words occurs several times in training.
    """
    return {name: list(pairs) for name, pairs in _splits(seed).items()}


@lru_cache(maxsize=4)
def _splits(seed: int) -> dict[str, tuple[AlignedPair, ...]]:
    pairs = distinct(seed, DRAWN)
    words = [_words(pair) for pair in pairs]
    known = Counter(word for each in words for word in each)
    said = Counter(key(pair.target) for pair in (*pairs, *EVERYDAY))
    train: list[AlignedPair] = []
    held_out: list[AlignedPair] = []
    for pair, mine in zip(pairs, words, strict=True):
        wanted = len(held_out) < 2 * HELD_OUT and said[key(pair.target)] == 1
        if wanted and all(known[word] > _KNOWN_WELL for word in mine):
            known.subtract(mine)
            held_out.append(pair)
        else:
            train.append(pair)
    train.extend(EVERYDAY)
    Random(f"order {seed}").shuffle(train)
    return {
        "train": tuple(train),
        "validation": tuple(held_out[::2]),
        "test": tuple(held_out[1::2]),
    }


def _words(pair: AlignedPair) -> set[tuple[str, str]]:
    """The words of both sides, each with its language."""
    return {
        (language, word.text)
        for language, text in (("en", pair.source), ("fr", pair.target))
        for word in split_words(text)
    }


@cache
def _index(seed: int) -> dict[tuple[str, str], Links]:
    return {(p.source, p.target): p.links for pairs in _splits(seed).values() for p in pairs}


def gold(source: str, target: str, *, seed: int = 1) -> Links | None:
    """The gold alignment of a pair of this corpus, or None for any other pair."""
    return _index(seed).get((source, target))
