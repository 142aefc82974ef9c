"""The loops over cell and attention, forward and backward.

The same formulas as in `nmt.models.decoders`, where they are easy to read.
"""

from collections.abc import Sequence

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


def luong(
    stack: Stack,
    attention: Attention,
    combine: nn.Linear,
    embedded: Tensor,
    state: CellState,
    memory: Memory,
) -> tuple[Tensor, Tensor]:
    """Luong's decoder with input feeding, from a first attentional state of zeros.

    embedded: (batch, target, inputs)
    Returns the attentional states (batch, target, hidden) and the attention (batch, target,
    source).
    """
    dtypes = Dtypes.of(combine.weight)
    cell = cell_of(stack, (*state.hidden, *state.cell), embedded, dtypes)
    attending = fused_attention(attention, memory, embedded, dtypes)
    states, weights = run(LuongLoop(cell, attending, combine))
    return states.transpose(0, 1), weights.transpose(0, 1)


def bahdanau(
    stack: Stack, attention: Attention, embedded: Tensor, state: CellState, memory: Memory
) -> tuple[Tensor, Tensor, Tensor]:
    """Bahdanau's decoder, without its readout.

    Returns the states (batch, target, hidden), the contexts (batch, target, memory) and the
    attention (batch, target, source).
    """
    dtypes = Dtypes.of(stack.parameter("weight_hh", 0))
    cell = cell_of(stack, (*state.hidden, *state.cell), embedded, dtypes)
    attending = fused_attention(attention, memory, embedded, dtypes)
    states, contexts, weights = run(BahdanauLoop(cell, attending))
    return states.transpose(0, 1), contexts.transpose(0, 1), weights.transpose(0, 1)


def conditional(
    stack: Stack,
    second: Stack,
    attention: Attention,
    embedded: Tensor,
    state: CellState,
    memory: Memory,
) -> tuple[Tensor, Tensor, Tensor]:
    """The conditional decoder, without its readout. Returns what `bahdanau` does."""
    dtypes = Dtypes.of(stack.parameter("weight_hh", 0))
    first = cell_of(stack, (*state.hidden, *state.cell), embedded, dtypes)
    cell = second_cell_of(second, first, embedded, dtypes)
    attending = fused_attention(attention, memory, embedded, dtypes)
    states, contexts, weights = run(ConditionalLoop(first, cell, attending))
    return states.transpose(0, 1), contexts.transpose(0, 1), weights.transpose(0, 1)


class AttentionLoop(Recurrence):
    """A cell and an attention, one of which feeds the other."""

    def __init__(self, cell: Cell, attending: FusedAttention) -> None:
        self.cell, self.attending = cell, attending
        self.inputs = (*cell.inputs, *attending.inputs)

    def begin_backward(self) -> None:
        self.cell.begin_backward()
        self.attending.begin_backward()

    def gradients(self) -> Sequence[Tensor]:
        return *self.cell.gradients(), *self.attending.gradients()


class LuongLoop(AttentionLoop):
    """h_t = cell([y_t-1; a_t-1], h_t-1),  a_t = tanh(W [c_t; h_t])"""

    def __init__(self, cell: Cell, attending: FusedAttention, combine: nn.Linear) -> None:
        super().__init__(cell, attending)
        self.inputs = (*self.inputs, combine.weight)
        weight = combine.weight.detach().to(cell.weight.dtype)
        memory = attending.contexts.size(-1)
        self.by_context, self.by_state = weight[:, :memory], weight[:, memory:]
        self.attentional = torch.empty_like(cell.fed[1:], dtype=cell.active.dtype)
        self.grad_mixed = torch.empty_like(self.attentional, dtype=weight.dtype)

    def forward(self) -> tuple[Tensor, ...]:
        cell = self.cell
        for t in range(len(cell.gates)):
            cell.forward(t)
            state = cell.hidden[t + 1]
            context = self.attending.forward(t, state)
            mixed = (context @ self.by_context.t()).addmm_(state, self.by_state.t())
            cell.fed[t + 1] = tanh_(self.attentional[t].copy_(mixed))
        return cell.fed[1:], self.attending.all_weights()

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

    def forward(self) -> tuple[Tensor, ...]:
        cell = self.cell
        for t in range(len(cell.gates)):
            cell.fed[t] = self.attending.forward(t, cell.hidden[t])
            cell.forward(t)
        return cell.hidden[1:], self.attending.contexts[:], self.attending.all_weights()

    def backward(self, *grad_outputs: Tensor | None) -> None:
        grad_states, grad_contexts, grad_weights = grad_outputs
        cell = self.cell
        for t in reversed(range(len(cell.gates))):
            if grad_states is not None:
                cell.grad_hidden += grad_states[t]
            cell.backward(t)
            grad_context = cell.grad_fed
            if grad_contexts is not None:
                grad_context += grad_contexts[t]
            cell.grad_hidden += self.attending.backward(
                t,
                grad_context.to(cell.weight.dtype),
                None if grad_weights is None else grad_weights[t],
            )


class ConditionalLoop(AttentionLoop):
    """s'_t = first(y_t-1, s_t-1),  c_t attended from s'_t,  s_t = cell(c_t, s'_t)"""

    def __init__(self, first: Cell, cell: Cell, attending: FusedAttention) -> None:
        super().__init__(cell, attending)
        self.first = first
        self.inputs = (*first.inputs, *self.inputs)

    def begin_backward(self) -> None:
        super().begin_backward()
        self.first.begin_backward()

    def forward(self) -> tuple[Tensor, ...]:
        first, cell = self.first, self.cell
        for t in range(len(cell.gates)):
            first.forward(t)
            cell.fed[t] = self.attending.forward(t, cell.hidden[t])
            cell.forward(t)
        return first.hidden[1:], self.attending.contexts[:], self.attending.all_weights()

    def backward(self, *grad_outputs: Tensor | None) -> None:
        grad_states, grad_contexts, grad_weights = grad_outputs
        first, cell = self.first, self.cell
        for t in reversed(range(len(cell.gates))):
            cell.continue_backward(first)
            if grad_states is not None:
                cell.grad_hidden += grad_states[t]
            cell.backward(t)
            grad_context = cell.grad_fed
            if grad_contexts is not None:
                grad_context += grad_contexts[t]
            cell.grad_hidden += self.attending.backward(
                t,
                grad_context.to(cell.weight.dtype),
                None if grad_weights is None else grad_weights[t],
            )
            first.continue_backward(cell)
            first.backward(t)

    def gradients(self) -> Sequence[Tensor]:
        return *self.first.gradients(), *super().gradients()
