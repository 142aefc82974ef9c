"""Validation and test splits for corpora that lack them.

A corpus may hold one sentence with many translations (Tatoeba: up to 32), so what is set aside is
source sentences, not pairs: none of them is left in train. Which ones is decided by a hash of the
sentence alone. It does not change with the order of the corpus, with its other sentences, or with
the seed of a run, so that runs with different seeds are measured on the same test.
"""

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b
from heapq import nsmallest
from random import Random

from nmt.data.corpus import Bitext

LARGEST_SHARE = 10  # of a small corpus no more than a tenth is set aside for one split


@dataclass(frozen=True)
class Carved:
    """A split taken out of train, and what is left."""

    split: Bitext
    rest: Bitext
    removed: int
    """Pairs that left train: those of the split, and other translations of their sources."""


def carve(train: Bitext, size: int, *, salt: str, taken: Collection[str] = ()) -> Carved:
    """Set aside `size` pairs with distinct sources, or a tenth of the sources if that is less.

    salt: the name of the split, so that validation and test draw differently.
    taken: sources of the other splits.
    """
    sources = set(train.sources).difference(taken)
    size = min(size, len(sources) // LARGEST_SHARE)
    order = nsmallest(size, sources, key=lambda source: _rank(source, salt))
    chosen = set(order)
    aside: dict[str, str] = {}
    rest: list[tuple[str, str]] = []
    for source, target in train:
        if source not in chosen:
            rest.append((source, target))
        elif source not in aside or _rank(target, salt) < _rank(aside[source], salt):
            aside[source] = target
    split = Bitext(order, [aside[source] for source in order])
    return Carved(split, Bitext.of(iter(rest)), len(train) - len(rest))


def draw(train: Bitext, size: int, *, seed: int) -> Bitext:
    """So many pairs at random, in the order of the corpus."""
    if size >= len(train):
        return train
    places = sorted(Random(seed).sample(range(len(train)), size))
    return Bitext([train.sources[i] for i in places], [train.targets[i] for i in places])


def _rank(text: str, salt: str) -> bytes:
    return blake2b(text.encode(), digest_size=8, person=salt[:16].encode()).digest()
