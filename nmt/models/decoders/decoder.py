"""The interface of decoders, and their registry."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from nmt.config import DecoderConfig, ModelConfig
from nmt.models.contract import BatchState, DecoderOutput, Memory
from nmt.models.limits import PositionLimit
from nmt.registry import Registry


class DecoderStep(NamedTuple):
    """The output of a decoder at one position."""

    readout: Tensor  # (batch, readout)
    state: Any  # the decoder's own kind of BatchState
    attention: Tensor  # (batch, source)
    draw_log_probs: Tensor | None = None  # (batch,): see `DecoderOutput`
    heads: Tensor | None = None  # (batch, heads, source), of which the attention is the mean


def joined(steps: Sequence[DecoderStep]) -> DecoderOutput:
    """The output of a target that was read position by position."""
    drawn = [step.draw_log_probs for step in steps if step.draw_log_probs is not None]
    return DecoderOutput(
        torch.stack([step.readout for step in steps], dim=1),
        torch.stack([step.attention for step in steps], dim=1),
        torch.stack(drawn, dim=1) if drawn else None,
    )


class OwnWords(Protocol):
    """A target of which some words are what the decoder itself chose at the position before."""

    target: int
    """How many positions there are."""

    def at(self, position: int) -> Tensor:
        """The words that are read at a position, embedded: (batch, inputs)"""

    def choose(self, position: int, readout: Tensor) -> Tensor:
        """Choose what is read next, by the readout (batch, readout) of a position, and embed it."""

    def embedded(self) -> Tensor:
        """The words of all positions, once they are known: (batch, target, inputs)"""


class Decoder(nn.Module, ABC):
    """Reads embedded target words against a memory.

    Built as `Decoder(model, memory=)`: the whole model's config, and the width of an encoder state.
    """

    attends_from: str
    """Which state attends: `s_t`, `s'_t` or `s_t-1`."""
    hidden: int
    """Width of a readout."""
    options: frozenset[str] = frozenset()
    """The keys of `model.decoder` that it reads, besides kind, size and layers."""
    has_maps = False
    """Whether it has several attention matrices: see `maps`."""
    writes_embeddings = False
    """Whether a readout is as wide as an embedding, and meant to be compared with them."""
    drops_words = False
    """Whether it applies dropout to embedded words itself, once it has added their positions."""

    @abstractmethod
    def __init__(self, model: ModelConfig, *, memory: int) -> None:
        super().__init__()

    @property
    @abstractmethod
    def reads_by(self) -> str:
        """How `forward` goes over the target, for the log."""

    @property
    def reads_own_by(self) -> str:
        """How `read_own` goes over the target, for the log."""
        return "the plain loop"

    @abstractmethod
    def prepare(self, states: Tensor, summary: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and values of a `Memory`, from the encoder's states."""

    @abstractmethod
    def start(self, memory: Memory) -> BatchState:
        """Before the first target word."""

    @abstractmethod
    def advance(self, embedded: Tensor, state: Any, memory: Memory) -> DecoderStep:
        """One position. embedded: (rows, inputs); a sentence of the memory may have several

        state: what `start` or the step before returned
        """

    @abstractmethod
    def forward(self, embedded: Tensor, memory: Memory) -> DecoderOutput:
        """All positions of a known target. embedded: (batch, target, inputs)"""

    def read_own(self, own: OwnWords, memory: Memory) -> DecoderOutput:
        """A target that is partly its own choices: position by position."""
        state = self.start(memory)
        steps: list[DecoderStep] = []
        for position in range(own.target):
            steps.append(self.advance(own.at(position), state, memory))
            state = steps[-1].state
            if position + 1 < own.target:
                own.choose(position, steps[-1].readout)
        return joined(steps)

    @classmethod
    @abstractmethod
    def summary(cls, config: DecoderConfig) -> str:
        """A short description for model cards and leaderboards."""

    @classmethod
    def position_limits(cls, config: DecoderConfig) -> Iterator[PositionLimit]:
        """The longest sentences it can read; longer ones raise DataError."""
        yield from ()

    def maps(self, embedded: Tensor, memory: Memory) -> dict[str, Tensor]:
        """See `Seq2Seq.maps`."""
        return {}


decoders: Registry[type[Decoder]] = Registry("decoder")
