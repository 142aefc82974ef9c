"""Decoders that carry a state from word to word: what they share."""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nmt.config import DecoderConfig, ModelConfig
from nmt.models import fused
from nmt.models.attention import AttentionOutput, Query, attention_of
from nmt.models.cells import CellState, cells
from nmt.models.contract import BatchState, DecoderOutput, Memory
from nmt.models.decoders.decoder import Decoder, DecoderStep, OwnWords, joined


@dataclass(frozen=True)
class Past(BatchState):
    """What an attention may need to know of the positions before."""

    position: Tensor  # (batch, 1) int64: how many there were
    coverage: Tensor  # (batch, source): the sum of their weights; (batch, 0) where not needed


@dataclass(frozen=True)
class DecoderState(BatchState):
    """What a recurrent decoder carries from one target position to the next."""

    cells: CellState
    feed: Tensor  # (batch, hidden): Luong's attentional state; (batch, 0) where nothing is fed
    past: Past


class RecurrentDecoder(Decoder):
    """A cell, an attention, and the order in which they take turns."""

    options = frozenset({"cell"})

    def __init__(self, model: ModelConfig, *, memory: int) -> None:
        super().__init__(model, memory=memory)
        config, inputs = model.decoder, model.embedding_size
        self.attention = attention_of(
            model.attention, query=config.size, memory=memory, words=inputs
        )
        self.feed = self.feed_width(config, self.attention.context)
        self.stack = cells[config.cell](
            inputs, self.feed, config.size, layers=config.layers, dropout=model.dropout
        )
        parts = config.layers * (2 if self.stack.has_cell else 1)
        self.bridge = nn.Linear(memory, parts * config.size)
        self.layers = config.layers
        self.hidden = config.size
        supports = self.has_fused_loop(config) and fused.supports(self.stack, self.attention)
        self.fused = config.fused and supports

    @classmethod
    def summary(cls, config: DecoderConfig) -> str:
        return f"{config.kind} {config.cell}"

    @property
    def reads_by(self) -> str:
        return "a fused recurrence" if self.fused else "the plain loop"

    @property
    def reads_own_by(self) -> str:
        return self.reads_by if self.fused else super().reads_own_by

    @staticmethod
    @abstractmethod
    def feed_width(config: DecoderConfig, context: int) -> int:
        """How wide the feed is, which the cell reads with the word."""

    @staticmethod
    def has_fused_loop(config: DecoderConfig) -> bool:
        """Whether `nmt.models.fused` has its loop, with a hand-written backward pass."""
        return False

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
        covered, device = source if self.attention.has_coverage else 0, memory.mask.device
        return Past(
            torch.zeros(batch, 1, dtype=torch.long, device=device),
            torch.zeros(batch, covered, device=device),
        )

    def advance(self, embedded: Tensor, state: DecoderState, memory: Memory) -> DecoderStep:
        new = self.recurrent_step(self.stack.project(embedded), embedded, state, memory)
        return new._replace(readout=self.read_out(new.readout, embedded))

    def forward(self, embedded: Tensor, memory: Memory) -> DecoderOutput:
        return self.read_plainly(embedded, memory)

    def read_plainly(self, embedded: Tensor, memory: Memory) -> DecoderOutput:
        """The plain loop: the reference definition of the decoder.

        What does not depend on the recurrence is computed before and after it.
        """
        output = joined(self._steps(embedded, memory))
        return output._replace(readouts=self.read_out(output.readouts, embedded))

    def read_own(self, own: OwnWords, memory: Memory) -> DecoderOutput:
        if self.fused:
            return self.read_fused(own.embedded(), memory, own)
        return super().read_own(own, memory)

    def read_fused(
        self, embedded: Tensor, memory: Memory, own: OwnWords | None = None
    ) -> DecoderOutput:
        """By the loop of `nmt.models.fused`, where there is one.

        own: chooses other words in place of some of those embedded, as it goes
        """
        raise NotImplementedError

    def maps(self, embedded: Tensor, memory: Memory) -> dict[str, Tensor]:
        heads = [step.heads for step in self._steps(embedded, memory) if step.heads is not None]
        if not heads:
            return {}
        each = torch.stack(heads, dim=2).unbind(dim=1)
        return {f"decoder layer 1 head {n}": weights for n, weights in enumerate(each, start=1)}

    def _steps(self, embedded: Tensor, memory: Memory) -> list[DecoderStep]:
        state = self.start(memory)
        steps: list[DecoderStep] = []
        gates = self.stack.project(embedded)
        for gate, word in zip(gates.unbind(dim=1), embedded.unbind(dim=1), strict=True):
            steps.append(self.recurrent_step(gate, word, state, memory))
            state = steps[-1].state
        return steps

    def attend(
        self, states: Tensor, words: Tensor, past: Past, memory: Memory
    ) -> tuple[AttentionOutput, Past]:
        """One position of rows that may share their sentence, as the beams of a search do.

        states: (rows, hidden); words: (rows, inputs). Returns contexts (rows, context), weights
        (rows, source), heads (rows, heads, source) and so on, and the new past.
        """
        coverage = past.coverage if self.attention.has_coverage else None
        query = Query(
            states.unsqueeze(1),
            past.position,
            words.unsqueeze(1),
            None if coverage is None else coverage.unsqueeze(1),
        )
        output = self.attention.by_row(query, memory.keys, memory.values, memory.mask)
        log_probs, heads = output.draw_log_probs, output.heads
        output = AttentionOutput(
            output.contexts.squeeze(1),
            output.weights.squeeze(1),
            None if log_probs is None else log_probs.squeeze(1),
            None if heads is None else heads.squeeze(2),
        )
        covered = past.coverage if coverage is None else coverage + output.weights
        return output, Past(past.position + 1, covered)

    def attend_in_parallel(self, states: Tensor, words: Tensor, memory: Memory) -> AttentionOutput:
        """All positions of a target: (batch, target, hidden), (batch, target, inputs)"""
        positions = torch.arange(states.size(1), device=states.device).expand(states.shape[:2])
        query = Query(states, positions, words)
        return self.attention(query, memory.keys, memory.values, memory.mask.unsqueeze(1))

    @abstractmethod
    def recurrent_step(
        self, gates: Tensor, word: Tensor, state: DecoderState, memory: Memory
    ) -> DecoderStep:
        """What has to happen inside the recurrence; its `readout` is still the input of `read_out`.

        gates: the word's share of them, (batch, gates); word: (batch, inputs)
        """

    @abstractmethod
    def read_out(self, part: Tensor, embedded: Tensor) -> Tensor:
        """What can happen after the recurrence: (*, part), (*, inputs) -> (*, readout)"""
