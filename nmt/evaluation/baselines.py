"""Alignments by position alone: what links have to beat to say that they know the words."""

from nmt.evaluation.alignment import Counts
from nmt.evaluation.pharaoh import Gold, Link


def diagonal(source: int, target: int) -> frozenset[Link]:
    """Each of `target` words with the one of `source` words that is nearest to the diagonal.

    Word j of n stands at (j + 1/2) / n of its sentence; between two that are as near, the later.

    >>> sorted(diagonal(2, 3))
    [(0, 0), (1, 1), (1, 2)]
    """
    if not source:
        return frozenset()
    return frozenset(((2 * word + 1) * source // (2 * target), word) for word in range(target))


def uniform(source: int, target: int, gold: Gold) -> Counts:
    """The expected counts of linking each target word to one source word drawn uniformly.

    Exact, since each link is made with probability 1 / source and their number is not random:
    the expected error rate is that of the expected counts.

    >>> uniform(2, 3, Gold.of([(0, 0)], [(0, 1), (1, 1)]))
    Counts(made=3, sure=1, made_sure=0.5, made_possible=1.5)
    """
    if not source:
        return Counts(sure=len(gold.sure))
    return Counts(target, len(gold.sure), len(gold.sure) / source, len(gold.possible) / source)
