"""What writes the target: one registered class each; the recurrent ones stand here.

They differ in which state attends. Bahdanau's looks at the source before it moves, from s_t-1,
and feeds the context into the cell; Luong's moves first, attends from s_t, and mixes state and
context into an attentional state; the conditional one moves twice and attends in between. The
decoder without recurrence is in `nmt.models.transformer`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple

import torch
from torch import Tensor, nn

from nmt.config import AttentionConfig, DecoderConfig
from nmt.models import recurrence
from nmt.models.attention import Attended, Query, attention_of
from nmt.models.cells import CellState, cells
from nmt.models.contract import Memory, Reading, Rows, State
from nmt.registry import Registry


class Advanced(NamedTuple, Generic[State]):
    """A decoder by one position."""

    readout: Tensor  # (batch, readout)
    state: State
    attention: Tensor  # (batch, source)
    choices: Tensor | None = None  # (batch,): see `Reading`
    heads: Tensor | None = None  # (batch, heads, source), of which the attention is the mean


def joined(steps: Sequence[Advanced[Any]]) -> Reading:
    """The reading of a target that was read position by position."""
    drawn = [step.choices for step in steps if step.choices is not None]
    return Reading(
        torch.stack([step.readout for step in steps], dim=1),
        torch.stack([step.attention for step in steps], dim=1),
        torch.stack(drawn, dim=1) if drawn else None,
    )


class Decoder(nn.Module, ABC, Generic[State]):
    """Reads embedded target words against a memory.

    Built as `Decoder(config, attention, inputs=, memory=, dropout=)`: widths of an embedded word
    and of an encoder state.
    """

    attends_from: str
    """Which state asks: `s_t` or `s_t-1`."""
    hidden: int
    """Width of a readout."""
    writes_embeddings = False
    """Whether a readout is as wide as an embedding, and made to be compared with them."""

    @abstractmethod
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

    @property
    @abstractmethod
    def reads_by(self) -> str:
        """How `forward` goes over the target, for the log."""

    @abstractmethod
    def prepare(self, states: Tensor, summary: Tensor) -> tuple[Tensor, Tensor]:
        """What its attention wants of the encoder's states: keys and values of a `Memory`"""

    @abstractmethod
    def start(self, memory: Memory) -> State:
        """Before the first target word."""

    @abstractmethod
    def advance(self, embedded: Tensor, state: State, memory: Memory) -> Advanced[State]:
        """One position. embedded: (rows, inputs); a sentence of the memory may have several"""

    @abstractmethod
    def forward(self, embedded: Tensor, memory: Memory) -> Reading:
        """All positions of a known target. embedded: (batch, target, inputs)"""

    def maps(self, embedded: Tensor, memory: Memory) -> dict[str, Tensor]:
        """See `Seq2Seq.maps`."""
        return {}


decoders: Registry[type[Decoder[Any]]] = Registry("decoder")


@dataclass(frozen=True)
class Past(Rows):
    """What an attention must know of the positions before; of width 0 where it need not."""

    position: Tensor  # (batch, 1) int64: how many there were
    coverage: Tensor  # (batch, source): their weights, summed


@dataclass(frozen=True)
class DecoderState(Rows):
    """What a recurrent decoder carries from one target position to the next."""

    cells: CellState
    feed: Tensor  # (batch, hidden): Luong's attentional state; (batch, 0) where nothing is fed
    past: Past


class RecurrentDecoder(Decoder[DecoderState]):
    """A cell, an attention, and the order in which they take turns."""

    by_hand = False
    """Whether `nmt.models.recurrence` has a loop of this kind, with a backward pass by hand."""

    def __init__(
        self,
        config: DecoderConfig,
        attention: AttentionConfig,
        *,
        inputs: int,
        memory: int,
        dropout: float,
    ) -> None:
        super().__init__(config, attention, inputs=inputs, memory=memory, dropout=dropout)
        self.attention = attention_of(attention, query=config.size, memory=memory, words=inputs)
        self.feed = self.feed_width(config, self.attention.context)
        self.stack = cells[config.cell](
            inputs, self.feed, config.size, layers=config.layers, dropout=dropout
        )
        parts = config.layers * (2 if self.stack.has_cell else 1)
        self.bridge = nn.Linear(memory, parts * config.size)
        self.layers = config.layers
        self.hidden = config.size
        known = self.by_hand and recurrence.known(self.stack, self.attention)
        self.fused = config.fused and bool(self.feed) and known

    @property
    def reads_by(self) -> str:
        return "a fused recurrence" if self.fused else "the plain loop"

    @staticmethod
    @abstractmethod
    def feed_width(config: DecoderConfig, context: int) -> int:
        """How wide the feed is, which the cell reads beside the word."""

    def prepare(self, states: Tensor, summary: Tensor) -> tuple[Tensor, Tensor]:
        return self.attention.prepare(states, summary)

    def start(self, memory: Memory) -> DecoderState:
        """s_0 = tanh(W summary), Bahdanau et al. (2015), appendix A.2.2; cells likewise."""
        bridged = self.bridge(memory.summary)
        wide = bridged.to(torch.promote_types(bridged.dtype, torch.float32))
        first = wide.tanh().split(self.hidden, dim=-1)
        state = CellState(first[: self.layers], first[self.layers :])
        return DecoderState(state, self.first_feed(memory), self._nothing_seen(memory))

    def first_feed(self, memory: Memory) -> Tensor:
        return memory.summary.new_zeros(memory.summary.size(0), 0)

    def _nothing_seen(self, memory: Memory) -> Past:
        batch, source = memory.mask.shape
        counted, covered = int(self.attention.counts), source if self.attention.covers else 0
        device = memory.mask.device
        return Past(
            torch.zeros(batch, counted, dtype=torch.long, device=device),
            torch.zeros(batch, covered, device=device),
        )

    def advance(
        self, embedded: Tensor, state: DecoderState, memory: Memory
    ) -> Advanced[DecoderState]:
        new = self.tick(self.stack.project(embedded), embedded, state, memory)
        return new._replace(readout=self.read_out(new.readout, embedded))

    def forward(self, embedded: Tensor, memory: Memory) -> Reading:
        return self.read_plainly(embedded, memory)

    def read_plainly(self, embedded: Tensor, memory: Memory) -> Reading:
        """The plain loop, which says what is computed.

        What does not depend on the recurrence is computed before and after it.
        """
        reading = joined(self._ticks(embedded, memory))
        return reading._replace(readouts=self.read_out(reading.readouts, embedded))

    def maps(self, embedded: Tensor, memory: Memory) -> dict[str, Tensor]:
        heads = [step.heads for step in self._ticks(embedded, memory) if step.heads is not None]
        if not heads:
            return {}
        each = torch.stack(heads, dim=2).unbind(dim=1)
        return {f"decoder layer 1 head {n}": weights for n, weights in enumerate(each, start=1)}

    def _ticks(self, embedded: Tensor, memory: Memory) -> list[Advanced[DecoderState]]:
        state = self.start(memory)
        steps: list[Advanced[DecoderState]] = []
        gates = self.stack.project(embedded)
        for gate, word in zip(gates.unbind(dim=1), embedded.unbind(dim=1), strict=True):
            steps.append(self.tick(gate, word, state, memory))
            state = steps[-1].state
        return steps

    def attend(
        self, states: Tensor, words: Tensor, past: Past, memory: Memory
    ) -> tuple[Attended, Past]:
        """One position of rows that may share their sentence, as the beams of a search do.

        states: (rows, hidden); words: (rows, inputs); as many rows a sentence of the memory, side
        by side. Returns contexts (rows, context), weights (rows, source), heads (rows, heads,
        source) and so on, and the new past.
        """
        batch = memory.mask.size(0)

        def by_sentence(rows: Tensor) -> Tensor:
            return rows.reshape(batch, -1, rows.size(-1))

        counts, covers = self.attention.counts, self.attention.covers
        asked = Query(
            by_sentence(states),
            by_sentence(past.position).squeeze(-1) if counts else None,
            by_sentence(words) if self.attention.reads_words else None,
            by_sentence(past.coverage) if covers else None,
        )
        found = self.attention(asked, memory.keys, memory.values, memory.mask.unsqueeze(1))
        contexts, weights = found.contexts.flatten(0, 1), found.weights.flatten(0, 1)
        drawn = None if found.choices is None else found.choices.flatten()
        heads = None if found.heads is None else found.heads.transpose(1, 2).flatten(0, 1)
        past = Past(past.position + 1, past.coverage + weights if covers else past.coverage)
        return Attended(contexts, weights, drawn, heads), past

    def attend_at_once(self, states: Tensor, words: Tensor, memory: Memory) -> Attended:
        """All positions of a target: (batch, target, hidden), (batch, target, inputs)"""
        positions = torch.arange(states.size(1), device=states.device).expand(states.shape[:2])
        asked = Query(states, positions, words)
        return self.attention(asked, memory.keys, memory.values, memory.mask.unsqueeze(1))

    @abstractmethod
    def tick(
        self, gates: Tensor, word: Tensor, state: DecoderState, memory: Memory
    ) -> Advanced[DecoderState]:
        """What has to happen inside the recurrence; its readout is what `read_out` wants.

        gates: the word's share of them, (batch, gates); word: (batch, inputs)
        """

    @abstractmethod
    def read_out(self, part: Tensor, embedded: Tensor) -> Tensor:
        """What can happen after the recurrence: (*, part), (*, inputs) -> (*, readout)"""


@decoders.register("luong")
class LuongDecoder(RecurrentDecoder):
    """s_t = cell([y_t-1; h~_t-1], s_t-1),  h~_t = tanh(W [c_t; s_t]),  c_t attended from s_t

    Luong, Pham and Manning (2015), sections 3 and 3.3: https://arxiv.org/abs/1508.04025
    Without input feeding nothing of the attention enters the recurrence, so the whole target
    goes through the cells first, and then through one call of the attention.
    """

    attends_from = "s_t"
    by_hand = True

    def __init__(
        self,
        config: DecoderConfig,
        attention: AttentionConfig,
        *,
        inputs: int,
        memory: int,
        dropout: float,
    ) -> None:
        super().__init__(config, attention, inputs=inputs, memory=memory, dropout=dropout)
        self.combine = nn.Linear(self.attention.context + config.size, config.size, bias=False)
        self.at_once = not (self.feed or self.attention.covers)

    @property
    def reads_by(self) -> str:
        return "one call over the whole target" if self.at_once else super().reads_by

    @staticmethod
    def feed_width(config: DecoderConfig, context: int) -> int:
        return config.size if config.input_feeding else 0

    def first_feed(self, memory: Memory) -> Tensor:
        return memory.summary.new_zeros(memory.summary.size(0), self.feed)

    def forward(self, embedded: Tensor, memory: Memory) -> Reading:
        if self.at_once:
            states = self.stack.read(embedded, self.start(memory).cells)
            found = self.attend_at_once(states, embedded, memory)
            return Reading(self._attentional(found.contexts, states), found.weights, found.choices)
        return (self.read_fused if self.fused else self.read_plainly)(embedded, memory)

    def read_fused(self, embedded: Tensor, memory: Memory) -> Reading:
        cells = self.start(memory).cells
        parts = (self.stack, self.attention, self.combine)
        return Reading(*recurrence.luong(*parts, embedded, cells, memory))

    def tick(
        self, gates: Tensor, word: Tensor, state: DecoderState, memory: Memory
    ) -> Advanced[DecoderState]:
        new = self.stack.step(gates, state.feed, state.cells)
        found, past = self.attend(new.top, word, state.past, memory)
        attentional = self._attentional(found.contexts, new.top)
        feed = attentional if self.feed else state.feed
        state = DecoderState(new, feed, past)
        return Advanced(attentional, state, found.weights, found.choices, found.heads)

    def read_out(self, part: Tensor, embedded: Tensor) -> Tensor:
        return part

    def _attentional(self, contexts: Tensor, states: Tensor) -> Tensor:
        return self.combine(torch.cat([contexts, states.to(contexts.dtype)], dim=-1)).tanh()


class DeepReadout(RecurrentDecoder):
    """A decoder whose last hidden layer reads state, context and word.

    readout = tanh(W [s_t; c_t; y_t-1]), or with maxout max(u_2i-1, u_2i) of u = W [s_t; c_t;
    y_t-1], twice as wide: Goodfellow et al. (2013), https://arxiv.org/abs/1302.4389; Bahdanau,
    Cho and Bengio (2015), appendix A.2.2.
    """

    def __init__(
        self,
        config: DecoderConfig,
        attention: AttentionConfig,
        *,
        inputs: int,
        memory: int,
        dropout: float,
    ) -> None:
        super().__init__(config, attention, inputs=inputs, memory=memory, dropout=dropout)
        self.maxout = config.readout == "maxout"
        read = config.size + self.attention.context + inputs
        width = 2 * config.size if self.maxout else config.size
        self.combine = nn.Linear(read, width, bias=False)

    def read_out(self, part: Tensor, embedded: Tensor) -> Tensor:
        values = self.combine(torch.cat([part, embedded.to(part.dtype)], dim=-1))
        return values.unflatten(-1, (-1, 2)).amax(dim=-1) if self.maxout else values.tanh()


@decoders.register("bahdanau")
class BahdanauDecoder(DeepReadout):
    """c_t attended from s_t-1,  s_t = cell([y_t-1; c_t], s_t-1),  readout of [s_t; c_t; y_t-1]

    Bahdanau, Cho and Bengio (2015), appendix A.2.2: https://arxiv.org/abs/1409.0473
    """

    attends_from = "s_t-1"
    by_hand = True

    @staticmethod
    def feed_width(config: DecoderConfig, context: int) -> int:
        return context

    def forward(self, embedded: Tensor, memory: Memory) -> Reading:
        return (self.read_fused if self.fused else self.read_plainly)(embedded, memory)

    def read_fused(self, embedded: Tensor, memory: Memory) -> Reading:
        states, contexts, attention = recurrence.bahdanau(
            self.stack, self.attention, embedded, self.start(memory).cells, memory
        )
        part = torch.cat([states, contexts], dim=-1)
        return Reading(self.read_out(part, embedded), attention)

    def tick(
        self, gates: Tensor, word: Tensor, state: DecoderState, memory: Memory
    ) -> Advanced[DecoderState]:
        found, past = self.attend(state.cells.top, word, state.past, memory)
        new = self.stack.step(gates, found.contexts, state.cells)
        part = torch.cat([new.top.to(found.contexts.dtype), found.contexts], dim=-1)
        state = DecoderState(new, state.feed, past)
        return Advanced(part, state, found.weights, found.choices, found.heads)


@decoders.register("conditional")
class ConditionalDecoder(DeepReadout):
    """s'_t = cell_1(y_t-1, s_t-1),  c_t attended from s'_t,  s_t = cell_2(c_t, s'_t)

    The conditional recurrent unit of Sennrich et al. (2017), Nematus, section 2:
    https://arxiv.org/abs/1703.04357. With several layers, the second cell moves the highest.
    """

    attends_from = "s'_t"

    def __init__(
        self,
        config: DecoderConfig,
        attention: AttentionConfig,
        *,
        inputs: int,
        memory: int,
        dropout: float,
    ) -> None:
        super().__init__(config, attention, inputs=inputs, memory=memory, dropout=dropout)
        context = self.attention.context
        self.second = cells[config.cell](context, 0, config.size, layers=1, dropout=dropout)

    @staticmethod
    def feed_width(config: DecoderConfig, context: int) -> int:
        return 0

    def tick(
        self, gates: Tensor, word: Tensor, state: DecoderState, memory: Memory
    ) -> Advanced[DecoderState]:
        first = self.stack.step(gates, state.feed, state.cells)
        found, past = self.attend(first.top, word, state.past, memory)
        top = CellState(first.hidden[-1:], first.cell[-1:])
        moved = self.second.step(self.second.project(found.contexts), state.feed, top)
        new = CellState(first.hidden[:-1] + moved.hidden, first.cell[:-1] + moved.cell)
        part = torch.cat([new.top.to(found.contexts.dtype), found.contexts], dim=-1)
        state = DecoderState(new, state.feed, past)
        return Advanced(part, state, found.weights, found.choices, found.heads)
