"""Alignments by position alone: the baselines that links from attention have to beat."""

from nmt.evaluation.alignment import Counts
from nmt.evaluation.pharaoh import Gold, Link


def diagonal(source: int, target: int) -> frozenset[Link]:
    """Link each of `target` words to the one of `source` words nearest to the diagonal.

    Word j of n is at position (j + 1/2) / n of its sentence; of two equally near, the later wins.

    >>> sorted(diagonal(2, 3))
    [(0, 0), (1, 1), (1, 2)]
    """
    if not source:
        return frozenset()
    return frozenset(((2 * word + 1) * source // (2 * target), word) for word in range(target))


def uniform(source: int, target: int, gold: Gold) -> Counts:
    """The expected counts of linking each target word to one source word drawn uniformly.

    The error rate of the expected counts is exactly the expected error rate, since each link is
    made with probability 1 / source and the number of links is not random.

    >>> uniform(2, 3, Gold.of([(0, 0)], [(0, 1), (1, 1)]))
    Counts(made=3, sure=1, made_sure=0.5, made_possible=1.5)
    """
    if not source:
        return Counts(sure=len(gold.sure))
    return Counts(target, len(gold.sure), len(gold.sure) / source, len(gold.possible) / source)
