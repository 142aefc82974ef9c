"""Word links from attention weights.

Weights are (target words, source words + 1): the last column is `</s>`, which is not a word.
Attention to it links to nothing, so a target word that attends mostly to `</s>` stays unlinked.
"""

import numpy as np

from nmt.evaluation.pharaoh import Link
from nmt.evaluation.words import Floats

Links = frozenset[Link]


def row_maxima(weights: Floats) -> Links:
    """Link each target word to the source word it attends to most; the first of equal ones.

    >>> sorted(row_maxima(np.array([[.1, .7, .2], [.3, .1, .6]])))
    [(1, 0)]
    """
    words = weights.shape[1] - 1
    largest = weights.argmax(axis=1)
    rows = np.flatnonzero((largest < words) & weights.any(axis=1))  # zeros attend to nothing
    return frozenset((int(largest[target]), int(target)) for target in rows)


def column_maxima(weights: Floats) -> Links:
    """Link each source word to the target word that attends to it most; the first of equal ones.

    >>> sorted(column_maxima(np.array([[.1, .7, .2], [.3, .1, .6]])))
    [(0, 1), (1, 0)]
    """
    words = weights[:, :-1]
    if not len(words):
        return frozenset()
    columns = np.flatnonzero(words.any(axis=0))
    largest = words.argmax(axis=0)
    return frozenset((int(source), int(largest[source])) for source in columns)


def above(weights: Floats, threshold: float) -> Links:
    """Every link with at least this weight: a word may have several, or none.

    >>> sorted(above(np.array([[.4, .4, .2], [.3, .1, .6]]), .3))
    [(0, 0), (0, 1), (1, 0)]
    """
    targets, sources = np.nonzero(weights[:, :-1] >= threshold)
    return frozenset(zip(sources.tolist(), targets.tolist(), strict=True))


def flipped(links: Links) -> Links:
    """Links of the other translation direction, turned into this one's."""
    return frozenset((source, target) for target, source in links)
