"""The loops over cell and attention, and their way back.

The same formulas as in `nmt.models.decoders`, where they are plain to read.
"""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nmt.models.attention import Attention
from nmt.models.cells import CellState, Stack
from nmt.models.contract import Memory
from nmt.models.recurrence.attention import Attending, attending_kind
from nmt.models.recurrence.cells import KINDS as CELLS
from nmt.models.recurrence.cells import Cell, cell_of
from nmt.models.recurrence.parts import (
    Numbers,
    Recurrence,
    run,
    tanh_,
    tanh_slope_,
    weight_gradient,
)


def known(stack: Stack, attention: Attention) -> bool:
    """Whether this folder has the parts of a decoder; else the plain loop computes it."""
    one_layer = type(stack) in CELLS and stack.layers.num_layers == 1
    return one_layer and attending_kind(attention) is not None


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
    numbers = Numbers.of(combine.weight)
    cell = cell_of(stack, (*state.hidden, *state.cell), embedded, numbers)
    attending = _attending(attention, memory, embedded.size(1), numbers)
    states, weights = run(LuongLoop(cell, attending, stack.feed, combine))
    return states.transpose(0, 1), weights.transpose(0, 1)


def bahdanau(
    stack: Stack, attention: Attention, embedded: Tensor, state: CellState, memory: Memory
) -> tuple[Tensor, Tensor, Tensor]:
    """Bahdanau's decoder, without its readout.

    Returns the states (batch, target, hidden), the contexts (batch, target, memory) and the
    attention (batch, target, source).
    """
    numbers = Numbers.of(stack.parameter("weight_hh", 0))
    cell = cell_of(stack, (*state.hidden, *state.cell), embedded, numbers)
    attending = _attending(attention, memory, embedded.size(1), numbers)
    states, contexts, weights = run(BahdanauLoop(cell, attending, stack.feed))
    return states.transpose(0, 1), contexts.transpose(0, 1), weights.transpose(0, 1)


def _attending(attention: Attention, memory: Memory, target: int, numbers: Numbers) -> Attending:
    kind = attending_kind(attention)
    assert kind is not None, "asked for only when it is known"
    return kind(attention.score, memory, target, numbers)


class Loop(Recurrence):
    """A cell and an attention, and what one of them feeds to the other."""

    def __init__(self, cell: Cell, attending: Attending, feed: nn.Linear | None) -> None:
        assert feed is not None, "without a feed there is no such recurrence"
        self.cell, self.attending = cell, attending
        self.inputs = (*cell.inputs, *attending.inputs, feed.weight)
        self.feed = feed.weight.detach().to(cell.weight.dtype)
        self.contexts = attending.contexts

    def turn(self) -> None:
        self.cell.turn()
        self.attending.turn()

    def gradients(self) -> Sequence[Tensor]:
        return (
            *self.cell.gradients(),
            *self.attending.gradients(),
            weight_gradient(self.cell.gates, self.fed_to_cell()),
        )

    @abstractmethod
    def fed_to_cell(self) -> Tensor:
        """(target, batch, feed)"""


class LuongLoop(Loop):
    """h_t = cell([y_t-1; a_t-1], h_t-1),  a_t = tanh(W [c_t; h_t])"""

    def __init__(
        self, cell: Cell, attending: Attending, feed: nn.Linear | None, combine: nn.Linear
    ) -> None:
        super().__init__(cell, attending, feed)
        self.inputs = (*self.inputs, combine.weight)
        narrow = combine.weight.detach().to(self.feed.dtype)
        memory = attending.states.size(-1)
        self.by_context, self.by_state = narrow[:, :memory], narrow[:, memory:]
        self.fed = cell.hidden.new_zeros(*cell.hidden.shape[:2], len(combine.weight))
        self.of_mixed = torch.empty_like(self.fed[1:])
        self.attentional = torch.empty_like(self.of_mixed, dtype=cell.active.dtype)

    def fed_to_cell(self) -> Tensor:
        return self.fed[:-1]

    def forward(self) -> tuple[Tensor, ...]:
        cell = self.cell
        for t in range(len(cell.gates)):
            cell.gates[t].addmm_(self.fed[t], self.feed.t())
            cell.forward(t)
            state = cell.hidden[t + 1]
            context = self.attending.forward(t, state)
            mixed = (context @ self.by_context.t()).addmm_(state, self.by_state.t())
            self.fed[t + 1] = tanh_(self.attentional[t].copy_(mixed))
        return self.fed[1:], self.attending.weights[:]

    def backward(self, *of_outputs: Tensor | None) -> None:
        of_states, of_weights = of_outputs
        cell = self.cell
        of_fed = torch.zeros_like(self.attentional[0])
        for t in reversed(range(len(cell.gates))):
            if of_states is not None:
                of_fed += of_states[t]
            of_mixed = self.of_mixed[t].copy_(tanh_slope_(of_fed, self.attentional[t]))
            of_state = self.attending.backward(
                t,
                cell.hidden[t + 1],
                of_mixed @ self.by_context,
                None if of_weights is None else of_weights[t],
            )
            of_state.addmm_(of_mixed, self.by_state)
            of_fed.copy_(cell.backward(t, of_state) @ self.feed)

    def gradients(self) -> Sequence[Tensor]:
        read = (self.contexts, self.cell.hidden[1:])
        of_combine = torch.cat([weight_gradient(self.of_mixed, part) for part in read], dim=1)
        return *super().gradients(), of_combine


class BahdanauLoop(Loop):
    """c_t attended from h_t-1,  h_t = cell([y_t-1; c_t], h_t-1)"""

    def fed_to_cell(self) -> Tensor:
        return self.contexts

    def forward(self) -> tuple[Tensor, ...]:
        cell = self.cell
        for t in range(len(cell.gates)):
            cell.gates[t].addmm_(self.attending.forward(t, cell.hidden[t]), self.feed.t())
            cell.forward(t)
        return cell.hidden[1:], self.contexts[:], self.attending.weights[:]

    def backward(self, *of_outputs: Tensor | None) -> None:
        cell = self.cell
        of_states, of_contexts, of_weights = of_outputs
        for t in reversed(range(len(cell.gates))):
            of_gates = cell.backward(t, None if of_states is None else of_states[t])
            of_context = of_gates @ self.feed
            if of_contexts is not None:
                of_context += of_contexts[t]
            cell.of_hidden += self.attending.backward(
                t, cell.hidden[t], of_context, None if of_weights is None else of_weights[t]
            )
