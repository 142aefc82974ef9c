"""The registry of sentence frames: a frame is a function that draws one sentence.

To add a frame, write a function from a `random.Random` to a `Sentence` in one of the `frames_*`
modules, and register it with `@frame(weight)`: the weight is its share of the corpus.
"""

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from nmt.data.phrasebook.clauses import HAVE_TO, HOPE_TO, TRY_TO, USED_TO, Clause
from nmt.data.phrasebook.tokens import Phrase


class Sentence(NamedTuple):
    """A phrase that stands alone, and its final mark."""

    phrase: Phrase
    mark: str = "."


_NEVER_ASKED = (HAVE_TO, HOPE_TO, TRY_TO, USED_TO)
_ASKED_OF_ONESELF = frozenset({"can", "must", "should"})


def tell(draw: Random, clause: Clause, *, ask: float = 0.15) -> Sentence:
    """Turn a clause into a statement or, with probability `ask` if it makes sense, a question."""
    oneself = clause.subject.pronoun and clause.subject.person in (0, 3)
    askable = (
        clause.negation is None
        and clause.tense not in _NEVER_ASKED
        and (not oneself or clause.tense.name in _ASKED_OF_ONESELF)
    )
    if askable and draw.random() < ask:
        return Sentence(clause.question(), "?")
    return Sentence(clause.statement())


Frame = Callable[[Random], Sentence]

FRAMES: dict[str, tuple[Frame, float]] = {}


def frame(weight: float) -> Callable[[Frame], Frame]:
    """Add a function to the grammar under its own name."""

    def add(function: Frame) -> Frame:
        assert function.__name__ not in FRAMES
        FRAMES[function.__name__] = (function, weight)
        return function

    return add
