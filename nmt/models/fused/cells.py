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

State = tuple[Tensor, ...]
"""A hidden state, and a cell where there is one, (batch, hidden) each."""


class Share(FusedModule):
    """The share of the gates that is known before the loop.

    gates: (target, batch, gates), as `Cell` has them; their gradients, before `gradients` is called
    """

    gates: Tensor

    def begin_backward(self) -> None:
        pass

    def read(self, position: int, words: Tensor) -> None:
        """Read other words at a position than those known at first: (batch, inputs)"""


class Words(Share):
    """W x + b, of the words."""

    def __init__(self, stack: Stack, embedded: Tensor, shift: Tensor | float, compute: Any) -> None:
        weight, bias = stack.parameter("weight_ih", 0), stack.parameter("bias_ih", 0)
        self.inputs = (embedded, weight, bias)
        self.words = embedded.detach().transpose(0, 1).to(compute).contiguous()
        self.weight = weight.detach().to(compute)
        self.constant = (bias.detach() + shift).to(compute)
        flat = torch.addmm(self.constant, self.words.flatten(0, 1), self.weight.t())
        self.gates = flat.view(*self.words.shape[:2], -1)

    def read(self, position: int, words: Tensor) -> None:
        words = self.words[position].copy_(words)
        torch.addmm(self.constant, words, self.weight.t(), out=self.gates[position])

    def gradients(self) -> Sequence[Tensor]:
        grads = self.gates
        return (
            (grads @ self.weight).transpose(0, 1),
            weight_gradient(grads, self.words),
            grads.sum(dim=(0, 1)),
        )


class Bias(Share):
    """b alone, where no words are read."""

    def __init__(self, stack: Stack, embedded: Tensor, shift: Tensor | float, compute: Any) -> None:
        bias = stack.parameter("bias_ih", 0)
        self.inputs = (bias,)
        batch, target, _ = embedded.shape
        self.gates = (bias.detach() + shift).to(compute).repeat(target, batch, 1)

    def gradients(self) -> Sequence[Tensor]:
        return (self.gates.sum(dim=(0, 1)),)


class Cell(FusedModule):
    """One layer that reads words, or a feed that is known only in the loop, or both.

    fed: (target + 1, batch, feed), compute dtype: what is read at each position, zeros at first
    hidden: (target + 1, batch, hidden), compute dtype: the states that are read, from the start on
    new_hidden: (target, batch, hidden): where the new states go, which is where the next position
        reads them, unless another cell reads them first: see `alternate`
    gates: (target, batch, gates), compute dtype, with the share known before; when the loop runs
        back, the gradients of the gates take its place
    grad_fed, grad_hidden: (batch, feed), (batch, hidden), accumulate dtype: gradients of what was
        read at the position that `backward` was at last; whoever else reads the state adds to it
    """

    def __init__(
        self, stack: Stack, share: Share, feed: Tensor | None, start: State, dtypes: Dtypes
    ) -> None:
        """feed: its weight; start: as in `cell_of`, or empty where another cell writes it"""
        weight, self.bias = stack.parameter("weight_hh", 0), stack.parameter("bias_hh", 0)
        self.share, self.gates = share, share.gates
        fed = () if feed is None else (feed,)
        self.inputs = (*share.inputs, *fed, weight, self.bias, *start)
        self.widths = (sum(each.size(1) for each in fed), weight.size(1))
        read_by = [each.detach() for each in (*fed, weight)]
        self.weight = torch.cat(read_by, dim=1).to(dtypes.compute)
        target, batch, _ = self.gates.shape
        self.read = self.gates.new_empty(target + 1, batch, sum(self.widths))
        self.fed, self.hidden = self.read.split(self.widths, dim=-1)
        self.new_hidden = self.hidden[1:]
        self.fed[0] = 0
        self.start = start
        if start:
            self.hidden[0] = start[0].detach()
        self.active = torch.empty_like(self.gates, dtype=dtypes.accumulate)
        self.grad_gates = torch.empty_like(self.active[0])

    @classmethod
    def known_shift(cls, stack: Stack) -> Tensor | float:
        """What of the recurrent bias is just another share of the gates."""
        return 0.0

    def begin_backward(self) -> None:
        self.grad_read = torch.zeros_like(self.read[0], dtype=self.active.dtype)
        self.grad_fed, self.grad_hidden = self.grad_read.split(self.widths, dim=-1)

    def alternate(self, other: "Cell") -> None:
        """Let another cell read what this one writes, at the same position, and the reverse."""
        self.new_hidden, other.new_hidden = other.hidden[:-1], self.hidden[1:]

    def continue_backward(self, other: "Cell") -> None:
        """Take over the gradients of the state that another cell read and this one wrote."""
        self.grad_hidden.copy_(other.grad_hidden)

    @abstractmethod
    def forward(self, position: int) -> None:
        """From the words, the feed and the last state to the new state."""

    @abstractmethod
    def backward(self, position: int) -> None:
        """From the gradient of the new state to those of all that the position read."""

    def gradients(self) -> Sequence[Tensor]:
        grad_feed, *grads = self.grad_weights()
        fed = (grad_feed,) if self.widths[0] else ()
        return *self.share.gradients(), *fed, *grads, *self.grad_start()

    @abstractmethod
    def grad_weights(self) -> Sequence[Tensor]:
        """The gradients of the feed's weight, of the recurrent one, and of the latter's bias."""

    def grad_start(self) -> Sequence[Tensor]:
        return (self.grad_hidden,) if self.start else ()


class LSTMCell(Cell):
    """c_t = f c_t-1 + i g,  h_t = o tanh(c_t)"""

    def __init__(
        self, stack: Stack, share: Share, feed: Tensor | None, start: State, dtypes: Dtypes
    ) -> None:
        super().__init__(stack, share, feed, start, dtypes)
        self.cells = self.active.new_empty(self.hidden.shape)
        self.new_cells = self.cells[1:]
        if start:
            self.cells[0] = start[1].detach()
        self.tanh = torch.empty_like(self.new_cells)  # of the cells

    @classmethod
    def known_shift(cls, stack: Stack) -> Tensor | float:
        return stack.parameter("bias_hh", 0).detach()

    def alternate(self, other: Cell) -> None:
        super().alternate(other)
        assert isinstance(other, LSTMCell), "both cells are of one kind"
        self.new_cells, other.new_cells = other.cells[:-1], self.cells[1:]

    def continue_backward(self, other: Cell) -> None:
        super().continue_backward(other)
        assert isinstance(other, LSTMCell), "both cells are of one kind"
        self.grad_cell.copy_(other.grad_cell)

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
        cell = torch.mul(f, self.cells[position], out=self.new_cells[position]).addcmul_(i, g)
        tanh = tanh_(self.tanh[position].copy_(cell))
        torch.mul(o, tanh, out=self.new_hidden[position])

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

    def grad_start(self) -> Sequence[Tensor]:
        return (self.grad_hidden, self.grad_cell) if self.start else ()


class GRUCell(Cell):
    """h_t = (1 - z) n + z h_t-1,  n = tanh(W x + r (U h_t-1))"""

    def __init__(
        self, stack: Stack, share: Share, feed: Tensor | None, start: State, dtypes: Dtypes
    ) -> None:
        super().__init__(stack, share, feed, start, dtypes)
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
        self.new_hidden[position] = torch.lerp(n, before.to(n.dtype), z)

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


def cell_of(stack: Stack, start: State, embedded: Tensor, dtypes: Dtypes) -> Cell:
    """The cell of a stack of one layer, which reads words, and a feed where the stack has one.

    embedded: (batch, target, inputs)
    """
    kind, feed = KINDS[type(stack)], None if stack.feed is None else stack.feed.weight
    share = Words(stack, embedded, kind.known_shift(stack), dtypes.compute)
    return kind(stack, share, feed, start, dtypes)


def second_cell_of(stack: Stack, first: Cell, embedded: Tensor, dtypes: Dtypes) -> Cell:
    """The cell of a stack of one layer whose whole input is only known in the loop.

    first: the cell that it takes turns with
    """
    kind, feed = KINDS[type(stack)], stack.parameter("weight_ih", 0)
    share = Bias(stack, embedded, kind.known_shift(stack), dtypes.compute)
    second = kind(stack, share, feed, (), dtypes)
    first.alternate(second)
    return second
