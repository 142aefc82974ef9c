"""What the search runs on: anything that can continue translations row by row.

An engine computes; the search chooses. Between them go small arrays of numpy, never logits and
never attention, so that one search serves a model in torch, on a GPU or not, and an exported one.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nmt.data.tokenizers.base import BOS, EOS, PAD, UNK

if TYPE_CHECKING:
    from nmt.decoding.shortlist import Shortlist

FIRST_CANDIDATE = EOS
"""The ids below, PAD, UNK and BOS, are not words: an engine never returns them."""
assert max(PAD, UNK, BOS) < FIRST_CANDIDATE


class Candidates(NamedTuple):
    """The likeliest next ids of each row, best first."""

    tokens: np.ndarray  # (rows, most) int64
    scores: np.ndarray  # (rows, most) float32 log-probabilities in nats; -inf is not a candidate


class Session(ABC):
    """A batch of sentences that is being translated.

    Before the first step each sentence has one row. The rows of a sentence are adjacent, and all
    sentences have equally many.
    """

    @abstractmethod
    def step(
        self, previous: np.ndarray, parents: np.ndarray | None, sentences: np.ndarray | None
    ) -> Candidates:
        """One target position.

        previous: (rows,) the ids chosen last
        parents: (rows,) which row of the last step each row continues; None: its own
        sentences: those of the last step that still have rows, where some were dropped
        """

    @abstractmethod
    def attention(self, steps: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The weights with which rows chose at steps, counted from 0: (steps,), (steps,) ->
        (steps, source) float32"""


class Engine(ABC):
    """A model that is ready to translate."""

    name: str
    """The library and precision, used in file names: `torch`, `onnxruntime-int8`."""
    attends_from: str
    """Which decoder state attends: `s_t`, `s'_t` or `s_t-1`."""
    shortlist: "Shortlist | None" = None
    """The candidates that it chooses among; None: the whole vocabulary."""
    workers = 1
    """How many batches it decodes at the same time, each in a thread of its own."""

    @abstractmethod
    def open(self, source: np.ndarray, *, most: int) -> Session:
        """Read a batch. source: (batch, source) ids, padded; most: candidates per row, at most"""

    @abstractmethod
    def __str__(self) -> str:
        """The library, device and precision, for the log."""
