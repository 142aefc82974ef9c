"""Words tagged with their meanings, from which every phrase of the grammar is built.

A token is a word with *tags*, numbers that are new for every meaning in a sentence. An English and
a French token are aligned if they share a tag, so that a phrase keeps its alignment however its
words are reordered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple


class Token(NamedTuple):
    """One word (as `split_words` will split it) and the meanings that it expresses."""

    text: str
    tags: tuple[int, ...]


Tokens = tuple[Token, ...]

_numbers = count(1)


def tag() -> int:
    """A new tag, different from all others."""
    return next(_numbers)


def say(text: str, *tags: int) -> Tokens:
    """The words of `text` (separated by spaces), all with the same tags."""
    return tuple([Token(word, tags) for word in text.split()])


def listed(text: str) -> tuple[str, ...]:
    """The items of a comma-separated list, in order: "eat, drink, listen to"."""
    return tuple(text.split(", "))


GOVERNED = 0
"""The tag of a word that only the verb requires; the clause replaces it with the verb's tag."""


def governed(tokens: Tokens, verb: int) -> Tokens:
    """Align the prepositions that a verb requires with that verb: (answer) / (répondre) à."""
    return tuple(
        token
        if GOVERNED not in token.tags
        else Token(token.text, tuple(each or verb for each in token.tags))
        for token in tokens
    )


def merge(text: str, *parts: Token) -> Token:
    """One word in place of several, such as I'm for I + am, or au for à + le."""
    return Token(text, tuple(tag for part in parts for tag in part.tags))


@dataclass(frozen=True)
class Phrase:
    """The same phrase in English and in French."""

    en: Tokens
    fr: Tokens

    def __add__(self, other: "Phrase") -> "Phrase":
        return Phrase(self.en + other.en, self.fr + other.fr)


EMPTY = Phrase((), ())


def phrase(english: str, french: str) -> Phrase:
    """A fixed expression.

    Chunks are separated by `|`; the n-th chunk of one side is aligned with the n-th of the other,
    all words to all words. A French chunk in another position begins with its number:
    `phrase("I | love | you", "je | 3:t' | 2:aime")`.
    """
    left, right = english.split("|"), french.split("|")
    tags = [tag() for _ in left]
    en = tuple(token for chunk, mine in zip(left, tags, strict=True) for token in say(chunk, mine))
    return Phrase(en, _numbered(right, tags))


def _numbered(chunks: Sequence[str], tags: Sequence[int]) -> Tokens:
    tokens: list[Token] = []
    for position, chunk in enumerate(chunks):
        number, colon, text = chunk.strip().partition(":")
        if not colon:
            number, text = str(position + 1), chunk
        mine = [tags[int(each) - 1] for each in number.split(",")]
        tokens.extend(say(text, *mine))
    return tuple(tokens)
