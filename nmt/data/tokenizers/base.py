"""What every tokenizer does: text to ids and back, with the place of each piece in the text."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import numpy as np

PAD, UNK, BOS, EOS = range(4)
"""The ids of padding, the unknown, the beginning and the end, in every vocabulary of nmt."""
FIRST_WORD = 4
"""The first id that is a word, or a part of one."""
EOS_PIECE = "</s>"
"""How the end of a sentence is written among pieces and words."""


class Vocabularies(NamedTuple):
    """The sizes of both sides' vocabularies."""

    source: int
    target: int


SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
"""How a piece writes the space before it, as sentencepiece has it."""
ONE_LINE = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"), " ")
"""Whatever a model writes, a line stays a line."""

_CONTROLS = {
    code: None for code in (*range(0x20), *range(0x7F, 0xA0), 0x202D, 0x202E, 0xFEFF)
    if code not in ONE_LINE
}  # fmt: skip
"""Control characters, overrides of the direction of writing, and byte-order marks."""

Ids = Sequence[int]


def one_line(surface: str) -> str:
    r"""What a piece writes, without line ends and without what could steer a terminal.

    >>> one_line("a\x1b]0;owned\x07\nb")
    'a]0;owned b'
    """
    return surface if surface.isprintable() else surface.translate(ONE_LINE).translate(_CONTROLS)


class Piece(NamedTuple):
    """A subword or word and the characters of the sentence that it stands for."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Encoded:
    """One sentence in pieces, without the end of the sentence."""

    ids: list[int]
    pieces: list[Piece]


class Tokenizer(ABC):
    """Text to ids and back, for one language or for two that share their pieces."""

    suffix: str
    """Of the file that keeps it."""

    def __init__(self, model: bytes) -> None:
        self.model = model
        """The whole of it, as the file has it."""

    @property
    def fingerprint(self) -> str:
        return sha256(self.model).hexdigest()[:16]

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """Every piece of the vocabulary, by its id."""

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
        """Ids, pieces and their places in the sentence."""

    @abstractmethod
    def decode_with_offsets(self, ids: Ids) -> tuple[str, list[Piece]]:
        """The text of ids, and the place of each id's piece in it."""
