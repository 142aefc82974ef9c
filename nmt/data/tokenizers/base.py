"""The interface of all tokenizers: text to ids and back, with the offsets of each piece."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import numpy as np

PAD, UNK, BOS, EOS = range(4)
"""The ids of padding, unknown word, begin and end of sentence, in every vocabulary of nmt."""
FIRST_WORD = 4
"""The first id that stands for a word or a part of one."""
EOS_PIECE = "</s>"
"""The end of a sentence in a list of pieces or words."""


class Vocabularies(NamedTuple):
    """The vocabulary sizes of both sides."""

    source: int
    target: int


SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
"""Sentencepiece's mark for a space before a piece."""
ONE_LINE = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"), " ")
"""Line separators and tabs to spaces, so that a translation always stays on one line."""

_CONTROLS = {
    code: None for code in (*range(0x20), *range(0x7F, 0xA0), 0x202D, 0x202E, 0xFEFF)
    if code not in ONE_LINE
}  # fmt: skip
"""Control characters, directional overrides and byte-order marks, which are removed."""

Ids = Sequence[int]


def one_line(surface: str) -> str:
    r"""The text of a piece, without line ends and without characters that control a terminal.

    >>> one_line("a\x1b]0;owned\x07\nb")
    'a]0;owned b'
    """
    return surface if surface.isprintable() else surface.translate(ONE_LINE).translate(_CONTROLS)


class Piece(NamedTuple):
    """A subword or word, and the range of characters that it stands for in the sentence."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Encoded:
    """One sentence in pieces, without EOS."""

    ids: list[int]
    pieces: list[Piece]


class Tokenizer(ABC):
    """Text to ids and back, for one language or for two that share a vocabulary."""

    suffix: str
    """The suffix of the model file."""

    def __init__(self, model: bytes) -> None:
        self.model = model
        """The content of the model file."""

    @property
    def fingerprint(self) -> str:
        return sha256(self.model).hexdigest()[:16]

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """The pieces of the vocabulary, in the order of their ids."""

    @property
    def byte_ids(self) -> list[int]:
        """The ids that stand for single bytes, which spell what has no piece."""
        return []

    @abstractmethod
    def __len__(self) -> int:
        """The size of the vocabulary."""

    @abstractmethod
    def encode(self, sentences: list[str]) -> list[list[int]]:
        """Ids of whole sentences, without BOS and EOS."""

    @abstractmethod
    def encode_flat(self, sentences: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """The ids of all sentences in one array (all,) int32, and their lengths (sentences,)."""

    @abstractmethod
    def encode_with_offsets(self, sentence: str) -> Encoded:
        """Ids and pieces of a sentence, with their offsets."""

    @abstractmethod
    def decode_with_offsets(self, ids: Ids) -> tuple[str, list[Piece]]:
        """The text of ids, and the piece of each id with its offsets in that text."""
