"""Bahdanau's decoder, which attends before its cell, and the conditional one, between two."""

from abc import abstractmethod
from functools import partial

import torch
from torch import Tensor, nn

from nmt.config import DecoderConfig, ModelConfig
from nmt.models import fused
from nmt.models.cells import CellState, cells
from nmt.models.contract import DecoderOutput, Memory
from nmt.models.decoders.decoder import DecoderStep, OwnWords, decoders
from nmt.models.decoders.recurrent import DecoderState, RecurrentDecoder


class DeepReadout(RecurrentDecoder):
    """A decoder whose last hidden layer reads state, context and word.

    readout = tanh(W [s_t; c_t; y_t-1]), or with maxout max(u_2i-1, u_2i) of u = W [s_t; c_t;
    y_t-1], twice as wide: Goodfellow et al. (2013), https://arxiv.org/abs/1302.4389; Bahdanau,
    Cho and Bengio (2015), appendix A.2.2.
    """

    options = frozenset({"cell", "readout"})

    @classmethod
    def summary(cls, config: DecoderConfig) -> str:
        return super().summary(config) + (f", {config.readout}" if config.readout != "tanh" else "")

    def __init__(self, model: ModelConfig, *, memory: int) -> None:
        super().__init__(model, memory=memory)
        self.maxout = model.decoder.readout == "maxout"
        read = self.hidden + self.attention.context + model.embedding_size
        width = 2 * self.hidden if self.maxout else self.hidden
        self.combine = nn.Linear(read, width, bias=False)

    @staticmethod
    def has_fused_loop(config: DecoderConfig) -> bool:
        return True

    def forward(self, embedded: Tensor, memory: Memory) -> DecoderOutput:
        return (self.read_fused if self.fused else self.read_plainly)(embedded, memory)

    def read_fused(
        self, embedded: Tensor, memory: Memory, own: OwnWords | None = None
    ) -> DecoderOutput:
        if own is None:
            states, contexts, attention = self.run_fused(embedded, memory)
        else:
            words = fused.OwnWords(partial(self._choose, own), own.embedded)
            states, contexts, attention = self.run_fused(embedded, memory, words)
            embedded = own.embedded()
        part = torch.cat([states, contexts], dim=-1)
        return DecoderOutput(self.read_out(part, embedded), attention)

    def _choose(self, own: OwnWords, position: int, state: Tensor, context: Tensor) -> Tensor:
        part = torch.cat([state, context], dim=-1)
        return own.choose(position, self.read_out(part, own.at(position)))

    @abstractmethod
    def run_fused(
        self, embedded: Tensor, memory: Memory, own: fused.OwnWords | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """States (batch, target, hidden), contexts (batch, target, context), and the attention."""

    def read_out(self, part: Tensor, embedded: Tensor) -> Tensor:
        values = self.combine(torch.cat([part, embedded.to(part.dtype)], dim=-1))
        return values.unflatten(-1, (-1, 2)).amax(dim=-1) if self.maxout else values.tanh()


@decoders.register("bahdanau")
class BahdanauDecoder(DeepReadout):
    """c_t output from s_t-1,  s_t = cell([y_t-1; c_t], s_t-1),  readout of [s_t; c_t; y_t-1]

    Bahdanau, Cho and Bengio (2015), appendix A.2.2: https://arxiv.org/abs/1409.0473
    """

    attends_from = "s_t-1"

    @staticmethod
    def feed_width(config: DecoderConfig, context: int) -> int:
        return context

    def run_fused(
        self, embedded: Tensor, memory: Memory, own: fused.OwnWords | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        start = self.start(memory).cells
        return fused.bahdanau(self.stack, self.attention, embedded, start, memory, own)

    def recurrent_step(
        self, gates: Tensor, word: Tensor, state: DecoderState, memory: Memory
    ) -> DecoderStep:
        output, past = self.attend(state.cells.top, word, state.past, memory)
        new = self.stack.step(gates, output.contexts, state.cells)
        part = torch.cat([new.top.to(output.contexts.dtype), output.contexts], dim=-1)
        state = DecoderState(new, state.feed, past)
        return DecoderStep(part, state, output.weights, output.draw_log_probs, output.heads)


@decoders.register("conditional")
class ConditionalDecoder(DeepReadout):
    """s'_t = cell_1(y_t-1, s_t-1),  c_t output from s'_t,  s_t = cell_2(c_t, s'_t)

    The conditional recurrent unit of Sennrich et al. (2017), Nematus, section 2:
    https://arxiv.org/abs/1703.04357. With several layers, the second cell updates the highest.
    """

    attends_from = "s'_t"

    def __init__(self, model: ModelConfig, *, memory: int) -> None:
        super().__init__(model, memory=memory)
        context = self.attention.context
        self.second = cells[model.decoder.cell](
            context, 0, self.hidden, layers=1, dropout=model.dropout
        )

    @staticmethod
    def feed_width(config: DecoderConfig, context: int) -> int:
        return 0

    def run_fused(
        self, embedded: Tensor, memory: Memory, own: fused.OwnWords | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        cells, start = (self.stack, self.second), self.start(memory).cells
        return fused.conditional(*cells, self.attention, embedded, start, memory, own)

    def recurrent_step(
        self, gates: Tensor, word: Tensor, state: DecoderState, memory: Memory
    ) -> DecoderStep:
        first = self.stack.step(gates, state.feed, state.cells)
        output, past = self.attend(first.top, word, state.past, memory)
        top = CellState(first.hidden[-1:], first.cell[-1:])
        second = self.second.step(self.second.project(output.contexts), state.feed, top)
        new = CellState(first.hidden[:-1] + second.hidden, first.cell[:-1] + second.cell)
        part = torch.cat([new.top.to(output.contexts.dtype), output.contexts], dim=-1)
        state = DecoderState(new, state.feed, past)
        return DecoderStep(part, state, output.weights, output.draw_log_probs, output.heads)
