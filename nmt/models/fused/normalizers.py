"""Normalisers position by position: forward by the module itself, backward by closed forms."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from nmt.models.attention.normalizers import (
    Entmax15,
    Normalizer,
    Relu,
    Softmax,
    Sparsemax,
    WeightedSoftmax,
    sparse_backward,
)
from nmt.models.fused.base import Dtypes, FusedModule


class FusedNormalizer(FusedModule):
    """Weights from scores.

    mask: (batch, source), False at padding
    weights: (target, batch, source), accumulate dtype
    """

    def __init__(self, normalizer: Normalizer, mask: Tensor, target: int, dtypes: Dtypes) -> None:
        self.inputs = ()
        self.normalizer = normalizer
        self.grad_of_scores = BACKWARD[type(normalizer)]
        self.weights = torch.empty(target, *mask.shape, dtype=dtypes.accumulate, device=mask.device)

    def begin_backward(self) -> None:
        pass

    def forward(self, position: int, scores: Tensor, excluded: Tensor) -> Tensor:
        """(batch, source), accumulate dtype -> the weights, like scores

        excluded: (batch, 1, source), True where the weights are 0
        """
        weights = self.normalizer.without(excluded, scores.unsqueeze(1))
        return self.weights[position].copy_(weights.squeeze(1))

    def backward(self, position: int, grad_weights: Tensor) -> Tensor:
        """(batch, source), accumulate dtype -> the gradient of the scores, zero at padding"""
        grad_scores = self.grad_of_scores(grad_weights, self.weights[position])
        temperature = self.normalizer.temperature
        return grad_scores if temperature == 1 else grad_scores / temperature

    def gradients(self) -> Sequence[Tensor]:
        return ()


class FusedWeightedSoftmax(FusedNormalizer):
    """Scores times one learned number, or plus one for each position, before the softmax."""

    def __init__(self, normalizer: Normalizer, mask: Tensor, target: int, dtypes: Dtypes) -> None:
        super().__init__(normalizer, mask, target, dtypes)
        assert isinstance(normalizer, WeightedSoftmax), "its kind was chosen by the normaliser"
        self.by_position, self.w = normalizer.by_position, normalizer.w.detach()
        self.inputs = (normalizer.w,)
        self.scores = torch.empty_like(self.weights)

    def begin_backward(self) -> None:
        self.grad_w = torch.zeros_like(self.w, dtype=self.weights.dtype)

    def forward(self, position: int, scores: Tensor, excluded: Tensor) -> Tensor:
        self.scores[position] = scores
        return super().forward(position, scores, excluded)

    def backward(self, position: int, grad_weights: Tensor) -> Tensor:
        grad_adjusted = self.grad_of_scores(grad_weights, self.weights[position])
        temperature = self.normalizer.temperature
        if self.by_position:
            self.grad_w[: grad_adjusted.size(1)] += grad_adjusted.sum(dim=0)
            return grad_adjusted / temperature
        self.grad_w += (grad_adjusted * self.scores[position]).sum() / temperature
        return grad_adjusted * (self.w / temperature)

    def gradients(self) -> Sequence[Tensor]:
        return (self.grad_w,)


def _softmax_backward(grad: Tensor, weights: Tensor) -> Tensor:
    return torch.ops.aten._softmax_backward_data(grad, weights, -1, grad.dtype)


def _relu_backward(grad: Tensor, weights: Tensor) -> Tensor:
    return grad * (weights > 0)


def _sparsemax_backward(grad: Tensor, weights: Tensor) -> Tensor:
    return sparse_backward(grad, (weights > 0).to(grad.dtype))


def _entmax15_backward(grad: Tensor, weights: Tensor) -> Tensor:
    return sparse_backward(grad, weights.sqrt())


BACKWARD: Mapping[type[Normalizer], Callable[[Tensor, Tensor], Tensor]] = {
    Softmax: _softmax_backward,
    WeightedSoftmax: _softmax_backward,
    Relu: _relu_backward,
    Sparsemax: _sparsemax_backward,
    Entmax15: _entmax15_backward,
}
"""From the gradient of the weights, and the weights themselves, to the gradient of the scores."""


def fused_normalizer(normalizer: Normalizer) -> type[FusedNormalizer] | None:
    """The fused module of a normaliser, if there is one."""
    if type(normalizer) is WeightedSoftmax:
        return FusedWeightedSoftmax
    return FusedNormalizer if type(normalizer) in BACKWARD else None
