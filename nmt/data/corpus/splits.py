"""Create validation and test splits for corpora that lack them.

A corpus may hold many translations of one sentence (Tatoeba: up to 32), so we set aside source
sentences, not pairs: none of them remains in train. A hash of the sentence alone decides which
ones. The choice does not depend on the order of the corpus, on its other sentences, or on the seed
of a run, so that runs with different seeds are evaluated on the same test split.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from heapq import nsmallest
from operator import itemgetter
from random import Random

import numpy as np

from nmt.data.corpus.on_disk import where
from nmt.data.corpus.types import Bitext

HIGHEST = b"\xff" * 9  # above every rank
LARGEST_SHARE = 10  # a split takes at most a tenth of a small corpus


@dataclass(frozen=True)
class Carved:
    """A split taken out of train, and the rest of train."""

    split: Bitext
    rest: Bitext
    removed: int
    """Pairs removed from train: those of the split, and other translations of their sources."""


def carve(train: Bitext, size: int, *, salt: str, taken: Collection[str] = ()) -> Carved:
    """Set aside `size` pairs with distinct sources, or a tenth of the sources if that is less.

    salt: the name of the split, so that validation and test draw differently.
    taken: sources of the other splits.
    """
    order = _smallest(train.sources, size, salt, taken)
    chosen = set(order)
    aside: dict[str, str] = {}
    keep = np.fromiter((source not in chosen for source in train.sources), bool, len(train))
    for source, target in where(train, ~keep):
        if source not in aside or _rank(target, salt) < _rank(aside[source], salt):
            aside[source] = target
    split = Bitext(order, [aside[source] for source in order])
    return Carved(split, where(train, keep), len(train) - int(keep.sum()))


def _smallest(sources: Iterable[str], size: int, salt: str, taken: Collection[str]) -> list[str]:
    """The distinct sources of lowest rank, found in one pass over a corpus of any size."""
    best: dict[str, bytes] = {}
    distinct: set[str] = set()  # enough sources to know whether a tenth of them is `size`
    worst = HIGHEST
    for source in sources:
        if source in taken:
            continue
        if len(distinct) < size * LARGEST_SHARE:
            distinct.add(source)
        rank = _rank(source, salt)
        if rank < worst:
            best[source] = rank
            if len(best) >= 2 * size:
                best = dict(nsmallest(size, best.items(), key=itemgetter(1)))
                worst = max(best.values())
    size = min(size, len(distinct) // LARGEST_SHARE)
    return nsmallest(size, best, key=best.__getitem__)


def draw(train: Bitext, size: int, *, seed: int) -> Bitext:
    """`size` pairs at random, in the order of the corpus."""
    if size >= len(train):
        return train
    keep = np.zeros(len(train), bool)
    keep[Random(seed).sample(range(len(train)), size)] = True
    return where(train, keep)


def _rank(text: str, salt: str) -> bytes:
    return blake2b(text.encode(), digest_size=8, person=salt[:16].encode()).digest()
