"""Words that remember what they mean: the material of every phrase in the grammar.

A token is a word with *tags*, numbers drawn fresh for every meaning in a sentence. An English
and a French token are aligned when they share a tag; so a phrase carries its alignment along,
wherever word order takes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple


class Token(NamedTuple):
    """One word (as `split_words` will cut it) and the meanings it takes part in."""

    text: str
    tags: tuple[int, ...]


Tokens = tuple[Token, ...]

_numbers = count(1)


def tag() -> int:
    """A meaning that nothing else has."""
    return next(_numbers)


def say(text: str, *tags: int) -> Tokens:
    """The words of `text` (separated by spaces), all with the same tags."""
    return tuple([Token(word, tags) for word in text.split()])


def listed(text: str) -> tuple[str, ...]:
    """The items of a list in words, in order: "eat, drink, listen to"."""
    return tuple(text.split(", "))


GOVERNED = 0
"""The tag of a word that only the verb asks for; the clause gives it the verb's own tag."""


def governed(tokens: Tokens, verb: int) -> Tokens:
    """Give the prepositions that a verb asks for to that verb: (answer) / (répondre) à."""
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
    """The same thing said in English and in French."""

    en: Tokens
    fr: Tokens

    def __add__(self, other: "Phrase") -> "Phrase":
        return Phrase(self.en + other.en, self.fr + other.fr)


EMPTY = Phrase((), ())


def phrase(english: str, french: str) -> Phrase:
    """A fixed expression.

    Chunks are separated by `|`; the n-th chunk of one side stands for the n-th of the other,
    word for word all to all. A French chunk that stands elsewhere begins with its number:
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
