"""What a model has to know of subwords: how many there are, and the four special ones."""

from typing import NamedTuple

PAD, UNK, BOS, EOS = range(4)
"""The ids of padding, the unknown, the beginning and the end, in every vocabulary of nmt."""


class Vocabularies(NamedTuple):
    """The sizes of both sides' vocabularies."""

    source: int
    target: int
