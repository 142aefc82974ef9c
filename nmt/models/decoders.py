"""The two classical decoders with attention: one registered class each.

They differ in which state attends. Bahdanau's looks at the source before it moves, from s_t-1,
and feeds the context into the cell; Luong's moves first, attends from s_t, and mixes state and
context into an attentional state.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nmt.config import AttentionConfig, DecoderConfig
from nmt.models import recurrence
from nmt.models.attention import Attention
from nmt.models.cells import CellState, cells
from nmt.models.contract import Memory, Reading, Rows
from nmt.registry import Registry


@dataclass(frozen=True)
class DecoderState(Rows):
    """What a decoder carries from one target position to the next."""

    cells: CellState
    feed: Tensor  # (batch, hidden): Luong's attentional state; (batch, 0) where nothing is fed


class Decoder(nn.Module, ABC):
    """Reads embedded target words against a memory."""

    attends_from: str
    """Which state asks: `s_t` or `s_t-1`."""

    def __init__(
        self,
        config: DecoderConfig,
        attention: AttentionConfig,
        *,
        inputs: int,
        memory: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.feed = self.feed_width(config, memory)
        self.stack = cells[config.cell](
            inputs, self.feed, config.size, layers=config.layers, dropout=dropout
        )
        self.attention = Attention(attention, hidden=config.size, memory=memory)
        parts = config.layers * (2 if self.stack.has_cell else 1)
        self.bridge = nn.Linear(memory, parts * config.size)
        self.combine = nn.Linear(
            self.combined_width(config, memory, inputs), config.size, bias=False
        )
        self.layers = config.layers
        self.hidden = config.size  # of a state, and of the readout
        self.fused = config.fused and recurrence.known(self.stack, self.attention)

    @property
    def reads_by(self) -> str:
        """How `forward` goes over the target, for the log."""
        return "a fused recurrence" if self.fused else "the plain loop"

    @staticmethod
    @abstractmethod
    def feed_width(config: DecoderConfig, memory: int) -> int:
        """How wide the feed is, which the cell reads beside the word."""

    @staticmethod
    @abstractmethod
    def combined_width(config: DecoderConfig, memory: int, inputs: int) -> int:
        """How wide that is which `combine` makes the readout of."""

    def start(self, memory: Memory) -> DecoderState:
        """s_0 = tanh(W summary), Bahdanau et al. (2015), appendix A.2.2; cells likewise."""
        bridged = self.bridge(memory.summary)
        wide = bridged.to(torch.promote_types(bridged.dtype, torch.float32))
        first = wide.tanh().split(self.hidden, dim=-1)
        state = CellState(first[: self.layers], first[self.layers :])
        return DecoderState(state, self.first_feed(memory))

    def first_feed(self, memory: Memory) -> Tensor:
        return memory.summary.new_zeros(memory.summary.size(0), 0)

    def advance(
        self, embedded: Tensor, state: DecoderState, memory: Memory
    ) -> tuple[Tensor, DecoderState, Tensor]:
        """One position. embedded: (batch, inputs) -> readout, state, attention"""
        gates = self.stack.project(embedded)
        part, state, attention = self.tick(gates, state, memory)
        return self.read_out(part, embedded), state, attention

    def forward(self, embedded: Tensor, memory: Memory) -> Reading:
        """All positions of a known target. embedded: (batch, target, inputs)"""
        return (self.read_fused if self.fused else self.read_plainly)(embedded, memory)

    def read_plainly(self, embedded: Tensor, memory: Memory) -> Reading:
        """The plain loop, which says what is computed.

        What does not depend on the recurrence is computed before and after it.
        """
        state = self.start(memory)
        parts, attentions = [], []
        for gates in self.stack.project(embedded).unbind(dim=1):
            part, state, attention = self.tick(gates, state, memory)
            parts.append(part)
            attentions.append(attention)
        readouts = self.read_out(torch.stack(parts, dim=1), embedded)
        return Reading(readouts, torch.stack(attentions, dim=1))

    @abstractmethod
    def read_fused(self, embedded: Tensor, memory: Memory) -> Reading:
        """The same by a backward pass written by hand: see `nmt.models.recurrence`."""

    def attend(self, states: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """One position of rows that may share their sentence, as the beams of a search do.

        states: (rows, hidden), as many rows a sentence of the memory, side by side
        Returns contexts (rows, memory) and weights (rows, source).
        """
        queries = states.view(memory.mask.size(0), -1, self.hidden)
        contexts, weights = self.attention(queries, memory)
        return contexts.flatten(0, 1), weights.flatten(0, 1)

    @abstractmethod
    def tick(
        self, gates: Tensor, state: DecoderState, memory: Memory
    ) -> tuple[Tensor, DecoderState, Tensor]:
        """What has to happen inside the recurrence. gates: the word's share, (batch, gates)

        Returns what `read_out` wants, the new state, and the attention (batch, source).
        """

    @abstractmethod
    def read_out(self, part: Tensor, embedded: Tensor) -> Tensor:
        """What can happen after the recurrence: (*, part), (*, inputs) -> (*, readout)"""


decoders: Registry[type[Decoder]] = Registry("decoder")


@decoders.register("luong")
class LuongDecoder(Decoder):
    """s_t = cell([y_t-1; h~_t-1], s_t-1),  h~_t = tanh(W [c_t; s_t]),  c_t attended from s_t

    Luong, Pham and Manning (2015), sections 3 and 3.3: https://arxiv.org/abs/1508.04025
    Without input feeding nothing of the attention enters the recurrence, so the whole target
    goes through the cells first, and then through one call of the attention.
    """

    attends_from = "s_t"

    @property
    def reads_by(self) -> str:
        return super().reads_by if self.feed else "one call over the whole target"

    @staticmethod
    def feed_width(config: DecoderConfig, memory: int) -> int:
        return config.size if config.input_feeding else 0

    @staticmethod
    def combined_width(config: DecoderConfig, memory: int, inputs: int) -> int:
        return memory + config.size

    def first_feed(self, memory: Memory) -> Tensor:
        return memory.summary.new_zeros(memory.summary.size(0), self.feed)

    def forward(self, embedded: Tensor, memory: Memory) -> Reading:
        if self.feed:
            return super().forward(embedded, memory)
        states = self.stack.read(embedded, self.start(memory).cells)
        contexts, attention = self.attention(states, memory)
        return Reading(self._attentional(contexts, states), attention)

    def read_fused(self, embedded: Tensor, memory: Memory) -> Reading:
        return Reading(
            *recurrence.luong(
                self.stack,
                self.attention,
                self.combine,
                embedded,
                self.start(memory).cells,
                memory,
            )
        )

    def tick(
        self, gates: Tensor, state: DecoderState, memory: Memory
    ) -> tuple[Tensor, DecoderState, Tensor]:
        new = self.stack.step(gates, state.feed, state.cells)
        contexts, weights = self.attend(new.top, memory)
        attentional = self._attentional(contexts, new.top)
        feed = attentional if self.feed else state.feed
        return attentional, DecoderState(new, feed), weights

    def read_out(self, part: Tensor, embedded: Tensor) -> Tensor:
        return part

    def _attentional(self, contexts: Tensor, states: Tensor) -> Tensor:
        return self.combine(torch.cat([contexts, states.to(contexts.dtype)], dim=-1)).tanh()


@decoders.register("bahdanau")
class BahdanauDecoder(Decoder):
    """c_t attended from s_t-1,  s_t = cell([y_t-1; c_t], s_t-1),  readout tanh(W [s_t; y_t-1; c_t])

    Bahdanau, Cho and Bengio (2015), appendix A.2.2: https://arxiv.org/abs/1409.0473, with a
    plain tanh where the paper has maxout.
    """

    attends_from = "s_t-1"

    @staticmethod
    def feed_width(config: DecoderConfig, memory: int) -> int:
        return memory

    @staticmethod
    def combined_width(config: DecoderConfig, memory: int, inputs: int) -> int:
        return config.size + memory + inputs

    def read_fused(self, embedded: Tensor, memory: Memory) -> Reading:
        states, contexts, attention = recurrence.bahdanau(
            self.stack, self.attention, embedded, self.start(memory).cells, memory
        )
        part = torch.cat([states, contexts], dim=-1)
        return Reading(self.read_out(part, embedded), attention)

    def tick(
        self, gates: Tensor, state: DecoderState, memory: Memory
    ) -> tuple[Tensor, DecoderState, Tensor]:
        context, weights = self.attend(state.cells.top, memory)
        new = self.stack.step(gates, context, state.cells)
        part = torch.cat([new.top.to(context.dtype), context], dim=-1)
        return part, DecoderState(new, state.feed), weights

    def read_out(self, part: Tensor, embedded: Tensor) -> Tensor:
        return self.combine(torch.cat([part, embedded.to(part.dtype)], dim=-1)).tanh()
