"""Attention between words, from the attention between the pieces that a model reads."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from nmt.data.tokenizers.base import EOS_PIECE
from nmt.data.words import Word, split_words

Floats = NDArray[np.float64]


class Span(Protocol):
    """A piece of a sentence and the characters that it covers: `sentence[start:end]`.

    Several byte pieces (`<0xE2>`) share one character, so a span may be empty. The end of the
    sentence is `</s>`, with the empty span at `len(sentence)`.
    """

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class Side(NamedTuple):
    """The words of one side of a sentence pair, `</s>` included, and the pieces of each."""

    words: list[str]
    shares: Floats  # (words, pieces): each word's share of each piece; columns sum to 1


def join_words(source: Side, target: Side, weights: Floats) -> Floats:
    """Turn (target pieces, source pieces) weights into (target words, source words).

    A source word gets the sum over its pieces, since attention to any of them is attention to the
    word. A target word gets the mean over its pieces, so that rows that sum to 1 still do.
    """
    chosen = (target.shares > 0).astype(np.float64)
    counts = np.maximum(chosen.sum(axis=1, keepdims=True), 1)  # a word without pieces: zeros
    joined: Floats = (chosen / counts) @ weights @ source.shares.T
    return joined


def side(sentence: str, pieces: Sequence[Span], *, words: Sequence[Word] | None = None) -> Side:
    """Assign the pieces of a sentence to its words.

    words: those of `split_words` by default. Given words all stay, so that they keep their
        numbers, even if no piece covers one of them.

    A piece belongs to the word in which it begins. One that begins between two words, at white
    space or at an invisible character, belongs to the following word, if there is one. If one
    piece covers several words (`c'est`), a word in which no piece begins shares the piece that
    runs into it. A word that no piece covers was cut off before the model saw it, and is left out.
    `</s>` is a word of its own.
    """
    ended = bool(pieces) and _is_end(pieces[-1])
    inner = pieces[:-1] if ended else pieces
    known = split_words(sentence) if words is None else words
    if inner and not known:  # only white space, or no valid characters
        known = [Word("".join(piece.text for piece in inner), 0, len(sentence))]

    spans = _WordSpans(known)
    owners = [spans.owners(piece) for piece in inner]
    begun = {owner[0] for owner in owners}
    shares = np.zeros((len(known) + ended, len(pieces)))
    for column, owner in enumerate(owners):
        sharing = [owner[0], *(word for word in owner[1:] if word not in begun)]
        shares[sharing, column] = 1 / len(sharing)
    if ended:
        shares[-1, -1] = 1

    names = [*(word.text for word in known), EOS_PIECE]
    seen = np.flatnonzero(shares.sum(axis=1)) if words is None else range(len(shares))
    return Side([names[word] for word in seen], shares[seen])


def _is_end(piece: Span) -> bool:
    """Whether a piece is the end of the sentence, not a literal `</s>` in the text."""
    return piece.text == EOS_PIECE and piece.start == piece.end


class _WordSpans:
    """The spans of the words that pieces can belong to: those that are not empty."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.numbers = [n for n, word in enumerate(words) if word.start < word.end] or [0]
        self.starts = [words[n].start for n in self.numbers] if words else [0]
        self.ends = [words[n].end for n in self.numbers] if words else [0]

    def owners(self, piece: Span) -> list[int]:
        """The word that a piece belongs to, followed by those that the piece runs into."""
        first = min(bisect_right(self.ends, piece.start), len(self.ends) - 1)
        reached = bisect_left(self.starts, piece.end)
        return [self.numbers[place] for place in (first, *range(first + 1, reached))]
