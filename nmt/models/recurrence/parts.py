"""What all parts of a recurrence share, and the one step of autograd that they form."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Numbers(NamedTuple):
    """The types that a recurrence computes in."""

    narrow: torch.dtype  # of matrix products: bfloat16 under autocast
    wide: torch.dtype  # of everything else

    @classmethod
    def of(cls, weight: Tensor) -> "Numbers":
        """As autocast and a weight have it."""
        kind = weight.device.type
        autocast = torch.is_autocast_enabled(kind)
        narrow = torch.get_autocast_dtype(kind) if autocast else weight.dtype
        return cls(narrow, torch.promote_types(torch.float32, weight.dtype))


class Part(ABC):
    """A piece of a recurrence with its own state, its own slopes, and its own parameters."""

    inputs: tuple[Tensor, ...]
    """The tensors that it has gradients for."""

    @abstractmethod
    def turn(self) -> None:
        """At the end of the loop, before it runs back: zero the slopes that positions add to."""

    @abstractmethod
    def gradients(self) -> Sequence[Tensor]:
        """One for each of `inputs`, when the loop has run back to its start."""


class Recurrence(Part):
    """A loop over positions."""

    @abstractmethod
    def forward(self) -> tuple[Tensor, ...]:
        """Run through all positions. What it returns are views of what it keeps."""

    @abstractmethod
    def backward(self, *of_outputs: Tensor | None) -> None:
        """Run back, given the slopes of the loss by what `forward` returned."""


def run(recurrence: Recurrence) -> Any:
    """Compute a recurrence as one step of autograd."""
    return _Run.apply(recurrence, *recurrence.inputs)


class _Run(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, recurrence: Recurrence, *inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.recurrence = recurrence
        ctx.set_materialize_grads(False)
        with torch.autocast(inputs[0].device.type, enabled=False):
            return recurrence.forward()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *of_outputs: Tensor | None) -> tuple[Tensor | None, ...]:
        recurrence: Recurrence = ctx.recurrence
        with torch.autocast(recurrence.inputs[0].device.type, enabled=False):
            recurrence.turn()
            recurrence.backward(*of_outputs)
            gradients = recurrence.gradients()
        sides = zip(gradients, recurrence.inputs, strict=True)
        return None, *(gradient.to(tensor.dtype) for gradient, tensor in sides)


def tanh_(values: Tensor) -> Tensor:
    """tanh(x) = 2 / (1 + exp(-2x)) - 1, in place.

    On a processor torch's sigmoid is several times faster than its tanh.
    """
    if values.device.type != "cpu":
        return values.tanh_()
    return values.mul_(2).sigmoid_().mul_(2).sub_(1)


def tanh_slope_(slope: Tensor, value: Tensor) -> Tensor:
    """slope * (1 - value ** 2), in place."""
    return torch.ops.aten.tanh_backward.grad_input(slope, value, grad_input=slope)


def sigmoid_slope_(slope: Tensor, value: Tensor) -> Tensor:
    """slope * value * (1 - value), in place."""
    return torch.ops.aten.sigmoid_backward.grad_input(slope, value, grad_input=slope)


def weight_gradient(slopes: Tensor, inputs: Tensor) -> Tensor:
    """One product over all positions: (target, batch, out), (target, batch, in) -> (out, in)"""
    return slopes.flatten(0, 1).t() @ inputs.flatten(0, 1)


def summed(weights: Tensor, rows: Tensor) -> Tensor:
    """Sums by weights: (batch, source), (batch, source, width) -> (batch, width), like rows

    On a processor a bag of embeddings is that sum, and four times as fast as a batched product
    with a matrix of one row.
    """
    weights = weights.to(rows.dtype)
    if rows.device.type != "cpu":
        return torch.bmm(weights.unsqueeze(1), rows).squeeze(1)
    index = torch.arange(weights.numel()).view_as(weights)
    return nn.functional.embedding_bag(
        index, rows.flatten(0, 1), mode="sum", per_sample_weights=weights
    )


def over_target(weights: Tensor, rows: Tensor) -> Tensor:
    """(target, batch, source), (target, batch, width) -> (batch, source, width), like rows"""
    return torch.bmm(weights.permute(1, 2, 0).to(rows.dtype), rows.transpose(0, 1))
