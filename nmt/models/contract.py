"""What every translation model can do: all that training and search know of it.

Sizes, in every docstring of this folder:
    batch    sentences in a batch          source   positions of the source, padded
    target   positions of the target       memory   width of an encoder state
    hidden   width of a decoder state      vocab    target subwords
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple, Self

from torch import Tensor, nn


@dataclass(frozen=True)
class BatchState:
    """A state: its fields are tensors, tuples of tensors or further states, batch first."""

    def select(self, index: Tensor) -> Self:
        """Pick, repeat or reorder sentences. index: (new batch,)"""
        return replace(self, **{f.name: _pick(getattr(self, f.name), index) for f in fields(self)})


def _pick(value: Any, index: Tensor) -> Any:
    if isinstance(value, Tensor):
        return value.index_select(0, index)
    if isinstance(value, BatchState):
        return value.select(index)
    return tuple(_pick(part, index) for part in value)


@dataclass(frozen=True)
class Memory(BatchState):
    """The encoded source: computed once per sentence, read at every target step."""

    values: Tensor  # (batch, source, *): what the attention averages, usually the states
    keys: Tensor  # (batch, source, *): the states as the attention score reads them
    mask: Tensor  # (batch, source) bool, True at real subwords
    summary: Tensor  # (batch, memory): of the whole sentence; the decoder starts from it


class Step(NamedTuple):
    """One target position."""

    logits: Tensor  # (batch, vocab)
    state: BatchState
    attention: Tensor  # (batch, source), zero at padding; the mean, where there are several


class DecoderOutput(NamedTuple):
    """A whole target, before the output layer."""

    readouts: Tensor  # (batch, target, readout): what `vocabulary` maps to logits
    attention: Tensor  # (batch, target, source)
    draw_log_probs: Tensor | None = None
    """(batch, target) log-probabilities of the positions that hard attention drew."""


class Seq2Seq(nn.Module, ABC):
    """An encoder-decoder that can be trained whole and searched step by step."""

    attends_from: str
    """Which decoder state attends: `s_t`, `s'_t` or `s_t-1`."""
    reads_by: str
    """How a known target is read, for the log: by a loop, or by something faster."""
    reads_own_by: str
    """How a target is read that is partly the model's own choice, for the log."""
    vocabulary: nn.Linear
    """The last layer: (*, readout) -> (*, vocab). The loss runs it piece by piece."""

    @abstractmethod
    def encode(self, source: Tensor, mask: Tensor) -> Memory:
        """source: (batch, source) ids; mask: (batch, source), True at real subwords"""

    @abstractmethod
    def start(self, memory: Memory) -> BatchState:
        """The decoder's state before the first target subword."""

    @abstractmethod
    def step(self, previous: Tensor, state: BatchState, memory: Memory) -> Step:
        """previous: (rows,) the ids chosen last

        A sentence of the memory may have several adjacent rows, equally many for each: the beams
        of a search, which share what was encoded once.
        """

    @abstractmethod
    def forward(
        self, source: Tensor, mask: Tensor, target_in: Tensor, forced: Tensor | None = None
    ) -> DecoderOutput:
        """Read a known target at once (teacher forcing).

        source, mask: (batch, source); target_in: (batch, target), the target after BOS
        forced: (batch, target) bool: where False, the model reads its own last choice in place
            of target_in (the first column is ignored); None forces all.
        """

    def maps(self, source: Tensor, mask: Tensor, target_in: Tensor) -> dict[str, Tensor]:
        """All attention maps of a forward pass by name, where there are several.

        (batch, target, source) for each layer and head that attends to the source; also, by names
        of their own, (batch, target, target) and (batch, source, source) of self-attention.
        """
        return {}
