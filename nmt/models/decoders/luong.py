"""Luong's decoder: cell first, then attention."""

import torch
from torch import Tensor, nn

from nmt.config import DecoderConfig, ModelConfig
from nmt.models import fused
from nmt.models.contract import DecoderOutput, Memory
from nmt.models.decoders.decoder import DecoderStep, OwnWords, decoders
from nmt.models.decoders.recurrent import DecoderState, RecurrentDecoder


@decoders.register("luong")
class LuongDecoder(RecurrentDecoder):
    """s_t = cell([y_t-1; h~_t-1], s_t-1),  h~_t = tanh(W [c_t; s_t]),  c_t output from s_t

    Luong, Pham and Manning (2015), sections 3 and 3.3: https://arxiv.org/abs/1508.04025
    Without input feeding the recurrence does not depend on the attention, so the whole target goes
    through the cells first, and then through one call of the attention.
    """

    attends_from = "s_t"
    options = frozenset({"cell", "input_feeding"})

    @classmethod
    def summary(cls, config: DecoderConfig) -> str:
        return super().summary(config) + (", input feeding" if config.input_feeding else "")

    def __init__(self, model: ModelConfig, *, memory: int) -> None:
        super().__init__(model, memory=memory)
        self.combine = nn.Linear(self.attention.context + self.hidden, self.hidden, bias=False)
        self.parallel = not (self.feed or self.attention.has_coverage)

    @property
    def reads_by(self) -> str:
        return "one call over the whole target" if self.parallel else super().reads_by

    @staticmethod
    def feed_width(config: DecoderConfig, context: int) -> int:
        return config.size if config.input_feeding else 0

    @staticmethod
    def has_fused_loop(config: DecoderConfig) -> bool:
        return config.input_feeding

    def first_feed(self, memory: Memory) -> Tensor:
        return memory.summary.new_zeros(memory.summary.size(0), self.feed)

    def forward(self, embedded: Tensor, memory: Memory) -> DecoderOutput:
        if self.parallel:
            states = self.stack.read(embedded, self.start(memory).cells)
            output = self.attend_in_parallel(states, embedded, memory)
            return DecoderOutput(
                self._attentional(output.contexts, states),
                output.weights,
                output.draw_log_probs,
            )
        return (self.read_fused if self.fused else self.read_plainly)(embedded, memory)

    def read_fused(
        self, embedded: Tensor, memory: Memory, own: OwnWords | None = None
    ) -> DecoderOutput:
        cells = self.start(memory).cells
        parts = (self.stack, self.attention, self.combine)
        words = None if own is None else fused.OwnWords(own.choose, own.embedded)
        return DecoderOutput(*fused.luong(*parts, embedded, cells, memory, words))

    def recurrent_step(
        self, gates: Tensor, word: Tensor, state: DecoderState, memory: Memory
    ) -> DecoderStep:
        new = self.stack.step(gates, state.feed, state.cells)
        output, past = self.attend(new.top, word, state.past, memory)
        attentional = self._attentional(output.contexts, new.top)
        feed = attentional if self.feed else state.feed
        state = DecoderState(new, feed, past)
        return DecoderStep(attentional, state, output.weights, output.draw_log_probs, output.heads)

    def read_out(self, part: Tensor, embedded: Tensor) -> Tensor:
        return part

    def _attentional(self, contexts: Tensor, states: Tensor) -> Tensor:
        return self.combine(torch.cat([contexts, states.to(contexts.dtype)], dim=-1)).tanh()
