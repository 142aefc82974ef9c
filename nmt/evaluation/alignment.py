"""Score links and attention weights against gold alignments."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nmt.evaluation.pharaoh import Gold, Link
from nmt.evaluation.words import Floats

Links = Iterable[Link]


@dataclass(frozen=True)
class LinkScores:
    """Over many sentences; a word may have several gold links, but only one largest weight."""

    links: int
    """The number of gold links (source word, target word)."""
    found: float
    """The share of gold links that the row maxima find."""
    rows: int
    """Target words that have a gold link."""
    right: float
    """The share of those words whose row maximum is one of their gold links."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def links_found(sentences: Iterable[tuple[Floats, Links]]) -> LinkScores:
    """Compare word matrices with gold alignments.

    Each sentence is its weights (target words, source words) and its gold links
    (source word, target word), counted from 0.

    >>> links_found([(np.array([[.9, .1], [.4, .6], [.7, .3]]), [(0, 0), (1, 0), (1, 1), (1, 2)])])
    LinkScores(links=4, found=0.5, rows=3, right=0.6666666666666666)
    """
    links = hits = rows = 0
    for weights, gold in sentences:
        largest = np.asarray(weights).argmax(axis=1)
        gold_links = set(gold)
        links += len(gold_links)
        rows += len({target for _, target in gold_links})
        hits += sum(largest[target] == source for source, target in gold_links)
    return LinkScores(links, float(hits / max(links, 1)), rows, float(hits / max(rows, 1)))


@dataclass(frozen=True)
class AlignmentScores:
    """Links A against sure links S and possible links P, where S is part of P.

    Och and Ney (2003), section 5: https://aclanthology.org/J03-1002
    """

    precision: float
    """|A & P| / |A|: the share of links made that are possible; 0 if none is made."""
    recall: float
    """|A & S| / |S|: the share of sure links that are made; 0 if none is sure."""
    aer: float
    """1 - (|A & S| + |A & P|) / (|A| + |S|), the alignment error rate; 0 if both are empty."""

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class Counts:
    """Counts for the scores, summed over sentences: a long sentence weighs more."""

    made: float = 0
    """|A|; may be an expected value, as may the other float counts."""
    sure: int = 0
    """|S|"""
    made_sure: float = 0
    """|A & S|"""
    made_possible: float = 0
    """|A & P|"""

    @classmethod
    def of(cls, links: Links, gold: Gold) -> "Counts":
        made = frozenset(links)
        return cls(len(made), len(gold.sure), len(made & gold.sure), len(made & gold.possible))

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.made + other.made,
            self.sure + other.sure,
            self.made_sure + other.made_sure,
            self.made_possible + other.made_possible,
        )

    def scores(self) -> AlignmentScores:
        hits, all_links = self.made_sure + self.made_possible, self.made + self.sure
        return AlignmentScores(
            self.made_possible / self.made if self.made else 0.0,
            self.made_sure / self.sure if self.sure else 0.0,
            1 - hits / all_links if all_links else 0.0,
        )


def alignment_error(sentences: Iterable[tuple[Links, Gold]]) -> AlignmentScores:
    """Precision, recall and alignment error rate of links, over all sentences together.

    >>> alignment_error([([(0, 0), (1, 1)], Gold.of([(0, 0)], [(2, 1)]))])
    AlignmentScores(precision=0.5, recall=1.0, aer=0.33333333333333337)
    """
    return sum((Counts.of(links, gold) for links, gold in sentences), Counts()).scores()


def row_entropies(weights: Floats) -> Floats:
    """H = - sum_j a_j log a_j of each row, in nats: 0 for one position, log n for n equal ones.

    Rows are normalised to sum 1 first; rows of zeros, which attend to nothing, are left out.

    >>> row_entropies(np.array([[.5, .5], [0, 1], [0, 0]])).round(4).tolist()
    [0.6931, 0.0]
    """
    sums = weights.sum(axis=1, keepdims=True)
    shares = weights[sums[:, 0] > 0] / sums[sums[:, 0] > 0]
    logs = np.log(np.where(shares > 0, shares, 1))
    return np.abs((shares * logs).sum(axis=1))  # abs: a one-hot row gives 0, not -0
