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
)
from nmt.models.recurrence.parts import Numbers, Part


class Normalizing(Part):
    """Weights from scores.

    mask: (batch, source)
    weights: (target, batch, source) wide
    """

    def __init__(self, normalizer: Normalizer, mask: Tensor, target: int, numbers: Numbers) -> None:
        self.inputs = ()
        self.normalizer, self.mask = normalizer, mask.unsqueeze(1)
        self.slope = SLOPES[type(normalizer)]
        self.weights = torch.empty(target, *mask.shape, dtype=numbers.wide, device=mask.device)

    def turn(self) -> None:
        pass

    def forward(self, position: int, scores: Tensor) -> Tensor:
        """(batch, source) wide -> the weights, like scores"""
        found = self.normalizer(scores.unsqueeze(1), self.mask)
        return self.weights[position].copy_(found.squeeze(1))

    def backward(self, position: int, of_weights: Tensor) -> Tensor:
        """(batch, source) wide -> the slope of the scores, zero at padding"""
        of_scores = self.slope(of_weights, self.weights[position])
        temperature = self.normalizer.temperature
        return of_scores if temperature == 1 else of_scores / temperature

    def gradients(self) -> Sequence[Tensor]:
        return ()


class Weighing(Normalizing):
    """Scores times one learned number, or plus one for each position, before the softmax."""

    def __init__(self, normalizer: Normalizer, mask: Tensor, target: int, numbers: Numbers) -> None:
        super().__init__(normalizer, mask, target, numbers)
        assert isinstance(normalizer, WeightedSoftmax), "its kind was chosen by the normaliser"
        self.by_position, self.w = normalizer.by_position, normalizer.w.detach()
        self.inputs = (normalizer.w,)
        self.scores = torch.empty_like(self.weights)

    def turn(self) -> None:
        self.of_w = torch.zeros_like(self.w, dtype=self.weights.dtype)

    def forward(self, position: int, scores: Tensor) -> Tensor:
        self.scores[position] = scores
        return super().forward(position, scores)

    def backward(self, position: int, of_weights: Tensor) -> Tensor:
        of_adjusted = self.slope(of_weights, self.weights[position])
        temperature = self.normalizer.temperature
        if self.by_position:
            self.of_w[: of_adjusted.size(1)] += of_adjusted.sum(dim=0)
            return of_adjusted / temperature
        self.of_w += (of_adjusted * self.scores[position]).sum() / temperature
        return of_adjusted * (self.w / temperature)

    def gradients(self) -> Sequence[Tensor]:
        return (self.of_w,)


def _of_softmax(slope: Tensor, weights: Tensor) -> Tensor:
    return torch.ops.aten._softmax_backward_data(slope, weights, -1, slope.dtype)


def _of_relu(slope: Tensor, weights: Tensor) -> Tensor:
    return slope * (weights > 0)


def _of_sparsemax(slope: Tensor, weights: Tensor) -> Tensor:
    return _less_mean(slope, (weights > 0).to(slope.dtype))


def _of_entmax15(slope: Tensor, weights: Tensor) -> Tensor:
    return _less_mean(slope, weights.sqrt())


def _less_mean(slope: Tensor, shares: Tensor) -> Tensor:
    """(diag(s) - s s^T / sum(s)) slope; the sum is 1 or more but in a row of padding alone."""
    sloped = slope * shares
    mean = sloped.sum(dim=-1, keepdim=True) / shares.sum(dim=-1, keepdim=True).clamp(min=1)
    return sloped - shares * mean


SLOPES: Mapping[type[Normalizer], Callable[[Tensor, Tensor], Tensor]] = {
    Softmax: _of_softmax,
    WeightedSoftmax: _of_softmax,
    Relu: _of_relu,
    Sparsemax: _of_sparsemax,
    Entmax15: _of_entmax15,
}
"""From the slope of the weights, and the weights themselves, to the slope of the scores."""


def normalizing_kind(normalizer: Normalizer) -> type[Normalizing] | None:
    """The part that computes a normaliser, if there is one."""
    if type(normalizer) is WeightedSoftmax:
        return Weighing
    return Normalizing if type(normalizer) in SLOPES else None
