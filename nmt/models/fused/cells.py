"""Recurrent cells position by position, forward and backward.

All tensors that run over the target have it as their first axis, so that a position is one block.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from nmt.models.cells import GRU, LSTM, Stack
from nmt.models.fused.base import (
    Dtypes,
    FusedModule,
    sigmoid_backward_,
    tanh_,
    tanh_backward_,
    weight_gradient,
)


class Words:
    """The words' share of the gates, which is known before the loop: gates, as `Cell` has them."""

    def __init__(self, stack: Stack, embedded: Tensor, shift: Tensor | None, compute: Any) -> None:
        weight, bias = stack.parameter("weight_ih", 0), stack.parameter("bias_ih", 0)
        self.inputs = (embedded, weight, bias)
        self.words = embedded.detach().transpose(0, 1).to(compute).contiguous()
        self.weight = weight.detach().to(compute)
        constant = bias.detach() if shift is None else bias.detach() + shift.detach()
        flat = torch.addmm(constant.to(compute), self.words.flatten(0, 1), self.weight.t())
        self.gates = flat.view(*self.words.shape[:2], -1)

    def gradients(self) -> Sequence[Tensor]:
        grads = self.gates
        return (
            (grads @ self.weight).transpose(0, 1),
            weight_gradient(grads, self.words),
            grads.sum(dim=(0, 1)),
        )


class Cell(FusedModule):
    """One layer that reads words and, with them, a feed that is known only in the loop.

    fed: (target + 1, batch, feed), compute dtype: what is read at each position, zeros at first
    hidden: (target + 1, batch, hidden), compute dtype, from the start on
    gates: (target, batch, gates), compute dtype, with the words' share; when the loop runs back,
        the gradients of the gates take its place
    grad_fed, grad_hidden: (batch, feed), (batch, hidden), accumulate dtype: gradients of what was
        read at the position that `backward` was at last; whoever else reads the state adds to it
    """

    shift_outside = False
    """Whether the recurrent bias is just another share of the gates."""

    def __init__(
        self, stack: Stack, start: tuple[Tensor, ...], embedded: Tensor, dtypes: Dtypes
    ) -> None:
        assert stack.feed is not None, "without a feed the library reads all words at once"
        feed, weight = stack.feed.weight, stack.parameter("weight_hh", 0)
        self.bias = stack.parameter("bias_hh", 0)
        shift = self.bias if self.shift_outside else None
        self.words = Words(stack, embedded, shift, dtypes.compute)
        self.gates = self.words.gates
        self.inputs = (*self.words.inputs, feed, weight, self.bias, *start)
        self.widths = (feed.size(1), weight.size(1))
        self.weight = torch.cat([feed.detach(), weight.detach()], dim=1).to(dtypes.compute)
        target, batch, _ = self.gates.shape
        self.read = self.gates.new_empty(target + 1, batch, sum(self.widths))
        self.fed, self.hidden = self.read.split(self.widths, dim=-1)
        self.fed[0] = 0
        self.hidden[0] = start[0].detach()
        self.active = torch.empty_like(self.gates, dtype=dtypes.accumulate)
        self.grad_gates = torch.empty_like(self.active[0])

    def begin_backward(self) -> None:
        self.grad_read = torch.zeros_like(self.read[0], dtype=self.active.dtype)
        self.grad_fed, self.grad_hidden = self.grad_read.split(self.widths, dim=-1)

    @abstractmethod
    def forward(self, position: int) -> None:
        """From the words, the feed and the last state to the new state."""

    @abstractmethod
    def backward(self, position: int) -> None:
        """From the gradient of the new state to those of all that the position read."""

    def gradients(self) -> Sequence[Tensor]:
        return *self.words.gradients(), *self.grad_weights(), self.grad_hidden

    @abstractmethod
    def grad_weights(self) -> Sequence[Tensor]:
        """The gradients of the feed's weight, of the recurrent one, and of the latter's bias."""


class LSTMCell(Cell):
    """c_t = f c_t-1 + i g,  h_t = o tanh(c_t)"""

    shift_outside = True

    def __init__(
        self, stack: Stack, start: tuple[Tensor, ...], embedded: Tensor, dtypes: Dtypes
    ) -> None:
        super().__init__(stack, start, embedded, dtypes)
        first = start[1].detach()
        self.cells = first.new_empty(len(self.read), *first.shape, dtype=dtypes.accumulate)
        self.cells[0] = first
        self.tanh = torch.empty_like(self.cells[1:])  # of the cells

    def begin_backward(self) -> None:
        super().begin_backward()
        self.grad_cell = torch.zeros_like(self.cells[0])

    def forward(self, position: int) -> None:
        gates = self.gates[position].addmm_(self.read[position], self.weight.t())
        active = self.active[position].copy_(gates)
        size = self.hidden.size(-1)
        i, f, g, o = active.split(size, dim=-1)
        active[:, : 2 * size].sigmoid_()
        tanh_(g)
        o.sigmoid_()
        cell = torch.mul(f, self.cells[position], out=self.cells[position + 1]).addcmul_(i, g)
        tanh = tanh_(self.tanh[position].copy_(cell))
        torch.mul(o, tanh, out=self.hidden[position + 1])

    def backward(self, position: int) -> None:
        grad_hidden, grad_cell, tanh = self.grad_hidden, self.grad_cell, self.tanh[position]
        size = tanh.size(-1)
        active = self.active[position]
        i, f, g, o = active.split(size, dim=-1)
        grad_i, grad_f, grad_g, grad_o = self.grad_gates.split(size, dim=-1)
        torch.mul(grad_hidden, tanh, out=grad_o)
        grad_cell += tanh_backward_(grad_hidden.mul_(o), tanh)
        torch.mul(grad_cell, g, out=grad_i)
        torch.mul(grad_cell, self.cells[position], out=grad_f)
        torch.mul(grad_cell, i, out=grad_g)
        grad_cell.mul_(f)
        sigmoid_backward_(self.grad_gates[:, : 2 * size], active[:, : 2 * size])
        tanh_backward_(grad_g, g)
        sigmoid_backward_(grad_o, o)
        self.grad_read.copy_(self.gates[position].copy_(self.grad_gates) @ self.weight)

    def grad_weights(self) -> Sequence[Tensor]:
        both = weight_gradient(self.gates, self.read[:-1])
        return *both.split(self.widths, dim=1), self.gates.sum(dim=(0, 1))

    def gradients(self) -> Sequence[Tensor]:
        return *super().gradients(), self.grad_cell


class GRUCell(Cell):
    """h_t = (1 - z) n + z h_t-1,  n = tanh(W x + r (U h_t-1))"""

    def __init__(
        self, stack: Stack, start: tuple[Tensor, ...], embedded: Tensor, dtypes: Dtypes
    ) -> None:
        super().__init__(stack, start, embedded, dtypes)
        self.shift = self.bias.detach().to(dtypes.compute)
        self.by_feed, self.by_state = self.weight.split(self.widths, dim=1)
        shape = self.hidden[1:].shape
        self.candidate = self.active.new_empty(shape)  # U h_t-1
        self.grad_recurrent = torch.empty_like(self.gates)  # the gradients of all shares of h_t-1

    def forward(self, position: int) -> None:
        before = self.hidden[position]
        gates = self.gates[position].addmm_(self.fed[position], self.by_feed.t())
        recurrent = torch.addmm(self.shift, before, self.by_state.t())
        size = before.size(-1)
        gates[:, : 2 * size] += recurrent[:, : 2 * size]
        active = self.active[position].copy_(gates)
        candidate = self.candidate[position].copy_(recurrent[:, 2 * size :])
        r, z, n = active.split(size, dim=-1)
        active[:, : 2 * size].sigmoid_()
        tanh_(n.addcmul_(r, candidate))
        self.hidden[position + 1] = torch.lerp(n, before.to(n.dtype), z)

    def backward(self, position: int) -> None:
        grad_hidden, size = self.grad_hidden, self.grad_hidden.size(-1)
        active = self.active[position]
        r, z, n = active.split(size, dim=-1)
        grad_r, grad_z, grad_n = self.grad_gates.split(size, dim=-1)
        torch.sub(self.hidden[position].to(n.dtype), n, out=grad_z).mul_(grad_hidden)
        kept = grad_hidden * z
        tanh_backward_(torch.sub(grad_hidden, kept, out=grad_n), n)
        torch.mul(grad_n, self.candidate[position], out=grad_r)
        sigmoid_backward_(self.grad_gates[:, : 2 * size], active[:, : 2 * size])
        grad_gates = self.gates[position].copy_(self.grad_gates)
        grad_recurrent = self.grad_recurrent[position].copy_(grad_gates)
        torch.mul(grad_n, r, out=grad_recurrent[:, 2 * size :])
        self.grad_fed.copy_(grad_gates @ self.by_feed)
        torch.add(grad_recurrent @ self.by_state, kept, out=grad_hidden)

    def grad_weights(self) -> Sequence[Tensor]:
        return (
            weight_gradient(self.gates, self.fed[:-1]),
            weight_gradient(self.grad_recurrent, self.hidden[:-1]),
            self.grad_recurrent.sum(dim=(0, 1)),
        )


KINDS: dict[type[Stack], type[Cell]] = {LSTM: LSTMCell, GRU: GRUCell}


def cell_of(stack: Stack, start: tuple[Tensor, ...], embedded: Tensor, dtypes: Dtypes) -> Cell:
    """The cell of a stack of one layer.

    start: its hidden state, and its cell where it has one, (batch, hidden) each
    embedded: (batch, target, inputs)
    """
    return KINDS[type(stack)](stack, start, embedded, dtypes)
