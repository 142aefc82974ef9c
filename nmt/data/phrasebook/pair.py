"""A sentence, its translation, and the alignment of their words."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AlignedPair:
    """An English sentence and its French translation with the gold word alignment.

    `links` are 0-based (source word, target word) over `nmt.data.words.split_words`, sorted.
    """

    source: str
    target: str
    links: tuple[tuple[int, int], ...]
