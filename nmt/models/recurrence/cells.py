"""Recurrent cells position by position, forward and backward.

All tensors that run over the target have it as their first axis, so that a position is one block.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from nmt.models.cells import GRU, LSTM, Stack
from nmt.models.recurrence.parts import (
    Numbers,
    Part,
    sigmoid_slope_,
    tanh_,
    tanh_slope_,
    weight_gradient,
)


class Words:
    """The words' share of the gates, which is known before the loop: gates, as `Cell` has them."""

    def __init__(self, stack: Stack, embedded: Tensor, shift: Tensor | None, narrow: Any) -> None:
        weight, bias = stack.parameter("weight_ih", 0), stack.parameter("bias_ih", 0)
        self.inputs = (embedded, weight, bias)
        self.words = embedded.detach().transpose(0, 1).to(narrow).contiguous()
        self.weight = weight.detach().to(narrow)
        constant = bias.detach() if shift is None else bias.detach() + shift.detach()
        flat = torch.addmm(constant.to(narrow), self.words.flatten(0, 1), self.weight.t())
        self.gates = flat.view(*self.words.shape[:2], -1)

    def gradients(self) -> Sequence[Tensor]:
        slopes = self.gates
        return (
            (slopes @ self.weight).transpose(0, 1),
            weight_gradient(slopes, self.words),
            slopes.sum(dim=(0, 1)),
        )


class Cell(Part):
    """One layer.

    hidden: (target + 1, batch, hidden) narrow, from the start on
    gates: (target, batch, gates) narrow: handed in with the shares of everything but the cell's
        own last state; when the loop runs back, their slopes take their place
    of_hidden: (batch, hidden) wide: the slope of the state before the position that `backward`
        was at last; whoever else read that state adds to it
    """

    shift_outside = False
    """Whether the recurrent bias is just another share of the gates."""

    def __init__(
        self, stack: Stack, start: tuple[Tensor, ...], embedded: Tensor, numbers: Numbers
    ) -> None:
        weight, self.bias = stack.parameter("weight_hh", 0), stack.parameter("bias_hh", 0)
        shift = self.bias if self.shift_outside else None
        self.words = Words(stack, embedded, shift, numbers.narrow)
        self.gates = self.words.gates
        self.inputs = (*self.words.inputs, weight, self.bias, *start)
        self.weight = weight.detach().to(numbers.narrow)
        target, (batch, size) = len(self.gates), start[0].shape
        self.hidden = self.gates.new_empty(target + 1, batch, size)
        self.hidden[0] = start[0].detach()
        self.active = torch.empty_like(self.gates, dtype=numbers.wide)
        self.slopes = torch.empty_like(self.active[0])

    def turn(self) -> None:
        self.of_hidden = torch.zeros_like(self.hidden[0], dtype=self.active.dtype)

    @abstractmethod
    def forward(self, position: int) -> None:
        """From the gates and the last state to the new state."""

    def backward(self, position: int, of_state: Tensor | None) -> Tensor:
        """of_state: (batch, hidden) the slope by what else read the new state

        Returns the gates' slopes, (batch, gates).
        """
        if of_state is not None:
            self.of_hidden += of_state
        self.differentiate(position)
        return self.gates[position]

    @abstractmethod
    def differentiate(self, position: int) -> None:
        """From the slope of the new state to those of the gates and of the old state."""

    def gradients(self) -> Sequence[Tensor]:
        slopes = self.of_recurrent()
        return (
            *self.words.gradients(),
            weight_gradient(slopes, self.hidden[:-1]),
            slopes.sum(dim=(0, 1)),
            self.of_hidden,
        )

    def of_recurrent(self) -> Tensor:
        """The slopes of W h + b: (target, batch, gates)"""
        return self.gates


class LSTMCell(Cell):
    """c_t = f c_t-1 + i g,  h_t = o tanh(c_t)"""

    shift_outside = True

    def __init__(
        self, stack: Stack, start: tuple[Tensor, ...], embedded: Tensor, numbers: Numbers
    ) -> None:
        super().__init__(stack, start, embedded, numbers)
        first = start[1].detach()
        self.cells = first.new_empty(len(self.hidden), *first.shape, dtype=numbers.wide)
        self.cells[0] = first
        self.tanh = torch.empty_like(self.cells[1:])  # of the cells

    def turn(self) -> None:
        super().turn()
        self.of_cell = torch.zeros_like(self.cells[0])

    def forward(self, position: int) -> None:
        gates = self.gates[position].addmm_(self.hidden[position], self.weight.t())
        active = self.active[position].copy_(gates)
        size = self.hidden.size(-1)
        i, f, g, o = active.split(size, dim=-1)
        active[:, : 2 * size].sigmoid_()
        tanh_(g)
        o.sigmoid_()
        cell = torch.mul(f, self.cells[position], out=self.cells[position + 1]).addcmul_(i, g)
        tanh = tanh_(self.tanh[position].copy_(cell))
        torch.mul(o, tanh, out=self.hidden[position + 1])

    def differentiate(self, position: int) -> None:
        of_hidden, of_cell, tanh = self.of_hidden, self.of_cell, self.tanh[position]
        size = tanh.size(-1)
        active = self.active[position]
        i, f, g, o = active.split(size, dim=-1)
        of_i, of_f, of_g, of_o = self.slopes.split(size, dim=-1)
        torch.mul(of_hidden, tanh, out=of_o)
        of_cell += tanh_slope_(of_hidden.mul_(o), tanh)
        torch.mul(of_cell, g, out=of_i)
        torch.mul(of_cell, self.cells[position], out=of_f)
        torch.mul(of_cell, i, out=of_g)
        of_cell.mul_(f)
        sigmoid_slope_(self.slopes[:, : 2 * size], active[:, : 2 * size])
        tanh_slope_(of_g, g)
        sigmoid_slope_(of_o, o)
        of_hidden.copy_(self.gates[position].copy_(self.slopes) @ self.weight)

    def gradients(self) -> Sequence[Tensor]:
        return *super().gradients(), self.of_cell


class GRUCell(Cell):
    """h_t = (1 - z) n + z h_t-1,  n = tanh(W x + r (U h_t-1))"""

    def __init__(
        self, stack: Stack, start: tuple[Tensor, ...], embedded: Tensor, numbers: Numbers
    ) -> None:
        super().__init__(stack, start, embedded, numbers)
        self.shift = self.bias.detach().to(numbers.narrow)
        self.candidate = torch.empty_like(self.hidden[1:], dtype=numbers.wide)  # (U h_t-1)
        self.recurrent = torch.empty_like(self.gates)

    def forward(self, position: int) -> None:
        gates, before = self.gates[position], self.hidden[position]
        size = before.size(-1)
        recurrent = torch.addmm(self.shift, before, self.weight.t())
        gates[:, : 2 * size] += recurrent[:, : 2 * size]
        active = self.active[position].copy_(gates)
        candidate = self.candidate[position].copy_(recurrent[:, 2 * size :])
        r, z, n = active.split(size, dim=-1)
        active[:, : 2 * size].sigmoid_()
        tanh_(n.addcmul_(r, candidate))
        self.hidden[position + 1] = torch.lerp(n, before.to(n.dtype), z)

    def differentiate(self, position: int) -> None:
        of_hidden, size = self.of_hidden, self.of_hidden.size(-1)
        active = self.active[position]
        r, z, n = active.split(size, dim=-1)
        of_r, of_z, of_n = self.slopes.split(size, dim=-1)
        torch.sub(self.hidden[position].to(n.dtype), n, out=of_z).mul_(of_hidden)
        kept = of_hidden * z
        tanh_slope_(torch.sub(of_hidden, kept, out=of_n), n)
        torch.mul(of_n, self.candidate[position], out=of_r)
        sigmoid_slope_(self.slopes[:, : 2 * size], active[:, : 2 * size])
        of_gates = self.gates[position].copy_(self.slopes)
        of_recurrent = self.recurrent[position].copy_(of_gates)
        torch.mul(of_n, r, out=of_recurrent[:, 2 * size :])
        torch.add(of_recurrent @ self.weight, kept, out=of_hidden)

    def of_recurrent(self) -> Tensor:
        return self.recurrent


KINDS: dict[type[Stack], type[Cell]] = {LSTM: LSTMCell, GRU: GRUCell}


def cell_of(stack: Stack, start: tuple[Tensor, ...], embedded: Tensor, numbers: Numbers) -> Cell:
    """The cell of a stack of one layer.

    start: its hidden state, and its cell where it has one, (batch, hidden) each
    embedded: (batch, target, inputs)
    """
    return KINDS[type(stack)](stack, start, embedded, numbers)
