"""The loops over cell and attention, forward and backward.

The same formulas as in `nmt.models.decoders`, where they are easy to read.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nmt.models.attention import Attention
from nmt.models.cells import CellState, Stack
from nmt.models.contract import Memory
from nmt.models.fused import attention as attentions
from nmt.models.fused.attention import FusedAttention, fused_attention
from nmt.models.fused.base import (
    Dtypes,
    Recurrence,
    run,
    tanh_,
    tanh_backward_,
    weight_gradient,
)
from nmt.models.fused.cells import KINDS as CELLS
from nmt.models.fused.cells import Cell, cell_of, second_cell_of


def supports(stack: Stack, attention: Attention) -> bool:
    """Whether this folder has the modules of a decoder; else the plain loop computes it."""
    one_layer = type(stack) in CELLS and stack.layers.num_layers == 1
    return one_layer and attentions.supports(attention)


class OwnWords(NamedTuple):
    """How words are chosen that a loop reads after the positions that led to them."""

    next: Callable[..., Tensor]
    """From a position and its outputs, (batch, *) each, to the next words: (batch, inputs)"""
    embedded: Callable[[], Tensor]
    """All words that were read in the end, with their gradients: (batch, target, inputs)"""


def read(loop: "AttentionLoop", embedded: Tensor, own: OwnWords | None) -> Any:
    """Run a loop, position by position where it reads words that it led to."""
    if own is None:
        return run(loop)
    target = embedded.size(1)
    with torch.no_grad():
        for position in range(target):
            with torch.autocast(embedded.device.type, enabled=False):
                loop.advance()
            if position + 1 < target:
                outputs = (output[position] for output in loop.outputs())
                loop.read(position + 1, own.next(position, *outputs))
    return run(loop, (embedded, own.embedded()))


def luong(
    stack: Stack,
    attention: Attention,
    combine: nn.Linear,
    embedded: Tensor,
    state: CellState,
    memory: Memory,
    own: OwnWords | None = None,
) -> tuple[Tensor, Tensor]:
    """Luong's decoder with input feeding, from a first attentional state of zeros.

    embedded: (batch, target, inputs); own: chooses words in place of some of them
    Returns the attentional states (batch, target, hidden) and the attention (batch, target,
    source).
    """
    dtypes = Dtypes.of(combine.weight)
    cell = cell_of(stack, (*state.hidden, *state.cell), embedded, dtypes)
    attending = fused_attention(attention, memory, embedded, dtypes)
    states, weights = read(LuongLoop(cell, attending, combine), embedded, own)
    return states.transpose(0, 1), weights.transpose(0, 1)


def bahdanau(
    stack: Stack,
    attention: Attention,
    embedded: Tensor,
    state: CellState,
    memory: Memory,
    own: OwnWords | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Bahdanau's decoder, without its readout.

    Returns the states (batch, target, hidden), the contexts (batch, target, memory) and the
    attention (batch, target, source).
    """
    dtypes = Dtypes.of(stack.parameter("weight_hh", 0))
    cell = cell_of(stack, (*state.hidden, *state.cell), embedded, dtypes)
    attending = fused_attention(attention, memory, embedded, dtypes)
    states, contexts, weights = read(BahdanauLoop(cell, attending), embedded, own)
    return states.transpose(0, 1), contexts.transpose(0, 1), weights.transpose(0, 1)


def conditional(
    stack: Stack,
    second: Stack,
    attention: Attention,
    embedded: Tensor,
    state: CellState,
    memory: Memory,
    own: OwnWords | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The conditional decoder, without its readout. Returns what `bahdanau` does."""
    dtypes = Dtypes.of(stack.parameter("weight_hh", 0))
    first = cell_of(stack, (*state.hidden, *state.cell), embedded, dtypes)
    cell = second_cell_of(second, first, embedded, dtypes)
    attending = fused_attention(attention, memory, embedded, dtypes)
    states, contexts, weights = read(ConditionalLoop(first, cell, attending), embedded, own)
    return states.transpose(0, 1), contexts.transpose(0, 1), weights.transpose(0, 1)


class AttentionLoop(Recurrence):
    """Cells and an attention which feed each other."""

    position = 0
    """How many positions were read."""

    def __init__(self, reading: Cell, attending: FusedAttention, *others: Cell) -> None:
        """reading: the cell that reads words"""
        self.reading, self.attending = reading, attending
        self.parts = (reading, *others, attending)
        self.inputs = tuple(tensor for part in self.parts for tensor in part.inputs)

    def begin_backward(self) -> None:
        for part in self.parts:
            part.begin_backward()

    def gradients(self) -> Sequence[Tensor]:
        return tuple(gradient for part in self.parts for gradient in part.gradients())

    def read(self, position: int, words: Tensor) -> None:
        """Other words at a position than those known at first: (batch, inputs)"""
        self.reading.share.read(position, words)
        self.attending.read(position, words)

    def forward(self) -> tuple[Tensor, ...]:
        while self.position < len(self.reading.gates):
            self.advance()
        return *self.outputs(), self.attending.all_weights()

    def advance(self) -> None:
        """Read the next position."""
        self.step(self.position)
        self.position += 1

    @abstractmethod
    def step(self, t: int) -> None:
        """Read a position."""

    @abstractmethod
    def outputs(self) -> tuple[Tensor, ...]:
        """Of all positions, (target, batch, *) each, besides the weights."""


class LuongLoop(AttentionLoop):
    """h_t = cell([y_t-1; a_t-1], h_t-1),  a_t = tanh(W [c_t; h_t])"""

    def __init__(self, cell: Cell, attending: FusedAttention, combine: nn.Linear) -> None:
        super().__init__(cell, attending)
        self.cell = cell
        self.inputs = (*self.inputs, combine.weight)
        weight = combine.weight.detach().to(cell.weight.dtype)
        memory = attending.contexts.size(-1)
        self.by_context, self.by_state = weight[:, :memory], weight[:, memory:]
        self.attentional = torch.empty_like(cell.fed[1:], dtype=cell.active.dtype)
        self.grad_mixed = torch.empty_like(self.attentional, dtype=weight.dtype)

    def step(self, t: int) -> None:
        cell = self.cell
        cell.forward(t)
        state = cell.hidden[t + 1]
        context = self.attending.forward(t, state)
        mixed = (context @ self.by_context.t()).addmm_(state, self.by_state.t())
        cell.fed[t + 1] = tanh_(self.attentional[t].copy_(mixed))

    def outputs(self) -> tuple[Tensor, ...]:
        return (self.cell.fed[1:],)

    def backward(self, *grad_outputs: Tensor | None) -> None:
        grad_attentional, grad_weights = grad_outputs
        cell = self.cell
        for t in reversed(range(len(cell.gates))):
            grad = cell.grad_fed
            if grad_attentional is not None:
                grad += grad_attentional[t]
            grad_mixed = self.grad_mixed[t].copy_(tanh_backward_(grad, self.attentional[t]))
            cell.grad_hidden += grad_mixed @ self.by_state
            cell.grad_hidden += self.attending.backward(
                t,
                grad_mixed @ self.by_context,
                None if grad_weights is None else grad_weights[t],
            )
            cell.backward(t)

    def gradients(self) -> Sequence[Tensor]:
        read = (self.attending.contexts, self.cell.hidden[1:])
        grad_combine = torch.cat([weight_gradient(self.grad_mixed, part) for part in read], dim=1)
        return *super().gradients(), grad_combine


class BahdanauLoop(AttentionLoop):
    """c_t attended from h_t-1,  h_t = cell([y_t-1; c_t], h_t-1)"""

    def __init__(self, cell: Cell, attending: FusedAttention) -> None:
        super().__init__(cell, attending)
        self.cell = cell

    def step(self, t: int) -> None:
        cell = self.cell
        cell.fed[t] = self.attending.forward(t, cell.hidden[t])
        cell.forward(t)

    def outputs(self) -> tuple[Tensor, ...]:
        return self.cell.hidden[1:], self.attending.contexts[:]

    def backward(self, *grad_outputs: Tensor | None) -> None:
        for t in reversed(range(len(self.cell.gates))):
            self.step_back(t, *(None if grads is None else grads[t] for grads in grad_outputs))

    def step_back(
        self,
        t: int,
        grad_state: Tensor | None,
        grad_read: Tensor | None,
        grad_weights: Tensor | None,
    ) -> None:
        """A position, backwards: the gradients of its state, of its context and of its weights."""
        cell = self.cell
        if grad_state is not None:
            cell.grad_hidden += grad_state
        cell.backward(t)
        grad_context = cell.grad_fed
        if grad_read is not None:
            grad_context += grad_read
        cell.grad_hidden += self.attending.backward(
            t, grad_context.to(cell.weight.dtype), grad_weights
        )


class ConditionalLoop(BahdanauLoop):
    """s'_t = first(y_t-1, s_t-1),  c_t attended from s'_t,  s_t = cell(c_t, s'_t)"""

    def __init__(self, first: Cell, cell: Cell, attending: FusedAttention) -> None:
        AttentionLoop.__init__(self, first, attending, cell)
        self.first, self.cell = first, cell

    def step(self, t: int) -> None:
        self.first.forward(t)
        super().step(t)

    def outputs(self) -> tuple[Tensor, ...]:
        return self.first.hidden[1:], self.attending.contexts[:]

    def step_back(
        self,
        t: int,
        grad_state: Tensor | None,
        grad_read: Tensor | None,
        grad_weights: Tensor | None,
    ) -> None:
        self.cell.continue_backward(self.first)
        super().step_back(t, grad_state, grad_read, grad_weights)
        self.first.continue_backward(self.cell)
        self.first.backward(t)
