"""Everyday English and French with gold word alignments: a corpus that needs no network."""

from nmt.data.phrasebook.corpus import gold, splits
from nmt.data.phrasebook.pair import AlignedPair

__all__ = ["AlignedPair", "gold", "splits"]
