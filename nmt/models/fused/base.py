"""What all fused modules share, and the one autograd function that a recurrence becomes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Dtypes(NamedTuple):
    """The types that a recurrence computes in."""

    compute: torch.dtype  # of matrix products: bfloat16 under autocast
    accumulate: torch.dtype  # of everything else

    @classmethod
    def of(cls, weight: Tensor) -> "Dtypes":
        """Those of autocast, or of a weight outside of it."""
        kind = weight.device.type
        autocast = torch.is_autocast_enabled(kind)
        compute = torch.get_autocast_dtype(kind) if autocast else weight.dtype
        return cls(compute, torch.promote_types(torch.float32, weight.dtype))


class FusedModule(ABC):
    """A part of a recurrence with its own state, gradients and parameters."""

    inputs: tuple[Tensor, ...]
    """The tensors that it has gradients for."""

    @abstractmethod
    def begin_backward(self) -> None:
        """Between the loop and its backward loop: zero the gradients that positions add to."""

    @abstractmethod
    def gradients(self) -> Sequence[Tensor]:
        """One for each of `inputs`, after the backward loop."""


class Recurrence(FusedModule):
    """A loop over positions."""

    @abstractmethod
    def forward(self) -> tuple[Tensor, ...]:
        """Run over all positions that are left. The results are views of stored tensors."""

    @abstractmethod
    def backward(self, *grad_outputs: Tensor | None) -> None:
        """Run backwards, given the gradients of what `forward` returned."""


def run(recurrence: Recurrence, replaced: tuple[Tensor, Tensor] | None = None) -> Any:
    """Compute a recurrence as one autograd function.

    replaced: one of its inputs, and the tensor that gets the gradients in its place
    """
    inputs = recurrence.inputs
    if replaced is not None:
        inputs = tuple(replaced[1] if each is replaced[0] else each for each in inputs)
    return _Run.apply(recurrence, *inputs)


class _Run(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, recurrence: Recurrence, *inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.recurrence = recurrence
        ctx.set_materialize_grads(False)
        with torch.autocast(inputs[0].device.type, enabled=False):
            return recurrence.forward()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor | None) -> tuple[Tensor | None, ...]:
        recurrence: Recurrence = ctx.recurrence
        with torch.autocast(recurrence.inputs[0].device.type, enabled=False):
            recurrence.begin_backward()
            recurrence.backward(*grad_outputs)
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


def tanh_backward_(grad: Tensor, value: Tensor) -> Tensor:
    """grad * (1 - value ** 2), in place."""
    return torch.ops.aten.tanh_backward.grad_input(grad, value, grad_input=grad)


def sigmoid_backward_(grad: Tensor, value: Tensor) -> Tensor:
    """grad * value * (1 - value), in place."""
    return torch.ops.aten.sigmoid_backward.grad_input(grad, value, grad_input=grad)


def weight_gradient(grads: Tensor, inputs: Tensor) -> Tensor:
    """One product over all positions: (target, batch, out), (target, batch, in) -> (out, in)"""
    return grads.flatten(0, 1).t() @ inputs.flatten(0, 1)


def summed(weights: Tensor, rows: Tensor) -> Tensor:
    """Sums by weights: (batch, source), (batch, source, width) -> (batch, width), like rows

    On a processor a bag of embeddings is that sum, and four times as fast as a batched product
    with a matrix of one row.
    """
    weights = weights.to(rows.dtype)
    if rows.device.type != "cpu":
        return torch.bmm(weights.unsqueeze(1), rows).squeeze(1)
    return nn.functional.embedding_bag(
        _index(*weights.shape), rows.flatten(0, 1), mode="sum", per_sample_weights=weights
    )


@lru_cache(maxsize=1)
def _index(bags: int, size: int) -> Tensor:
    """The numbers of rows, bag after bag; kept, because all positions of a batch have the same."""
    return torch.arange(bags * size).view(bags, size)


def over_target(weights: Tensor, rows: Tensor) -> Tensor:
    """(target, batch, source), (target, batch, width) -> (batch, source, width), like rows"""
    return torch.bmm(weights.permute(1, 2, 0).to(rows.dtype), rows.transpose(0, 1))
