"""Attention measured as alignment: how often the largest weight of a word is a gold link."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nmt.evaluation.words import Floats

Links = Iterable[tuple[int, int]]


@dataclass(frozen=True)
class LinkScores:
    """Of many sentences; a word may have several gold links, but only one largest weight."""

    links: int
    """Gold links (source word, target word) in all."""
    found: float
    """The share of them that the row maxima find."""
    rows: int
    """Target words that have a gold link."""
    right: float
    """The share of those whose row maximum is one of their gold links."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def links_found(sentences: Iterable[tuple[Floats, Links]]) -> LinkScores:
    """Compare word matrices with gold alignments.

    Each sentence is its weights (target words, source words) and its gold links
    (source word, target word), counted from 0.

    >>> links_found([(np.array([[.9, .1], [.4, .6], [.7, .3]]), [(0, 0), (1, 0), (1, 1), (1, 2)])])
    LinkScores(links=4, found=0.5, rows=3, right=0.6666666666666666)
    """
    links = found = rows = 0
    for weights, gold in sentences:
        largest = np.asarray(weights).argmax(axis=1)
        wanted = set(gold)
        links += len(wanted)
        rows += len({target for _, target in wanted})
        found += sum(largest[target] == source for source, target in wanted)
    return LinkScores(links, float(found / max(links, 1)), rows, float(found / max(rows, 1)))
