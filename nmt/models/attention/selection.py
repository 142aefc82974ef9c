"""Soft or hard: whether the weights average the values, or one position is picked by them."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nmt.config import AttentionConfig
from nmt.registry import Registry


class Selected(NamedTuple):
    """The weights by which the values are averaged."""

    weights: Tensor  # (batch, target, source)
    log_probability: Tensor | None  # (batch, target): of the positions drawn, where it is needed


class Selection(nn.Module, ABC):
    """How a row of weights selects from the values.

    Outside of training a hard selection takes the greatest weight. A row of zeros stays zero.
    """

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__()

    @abstractmethod
    def forward(self, weights: Tensor) -> Selected:
        """weights: (batch, target, source), rows that sum to one or are all zeros"""


selections: Registry[type[Selection]] = Registry("attention selection")


@selections.register("soft")
class Soft(Selection):
    """c = sum_j a_j v_j

    Bahdanau, Cho and Bengio (2015), section 3.1, equation 5: https://arxiv.org/abs/1409.0473
    """

    def forward(self, weights: Tensor) -> Selected:
        return Selected(weights, None)


@selections.register("gumbel")
class Gumbel(Selection):
    """c = v_z,  z = argmax_j log a_j + g_j;  gradients as if c = sum_j softmax(log a + g)_j v_j

    Jang, Gu and Poole (2017), section 2.2 (straight-through): https://arxiv.org/abs/1611.01144

    g_j: Gumbel noise, with which z is drawn from a. The gradients are those of the relaxation at
    temperature 1: biased, but with little variance.
    """

    def forward(self, weights: Tensor) -> Selected:
        if not self.training:
            return Selected(_greatest(weights), None)
        noisy = _with_noise(weights)
        relaxed = noisy.softmax(dim=-1)
        picked = _picked(weights, noisy.argmax(dim=-1, keepdim=True))
        # in this order, because the bracket is exactly 0
        return Selected(picked + (relaxed - relaxed.detach()), None)


@selections.register("reinforce")
class Reinforce(Selection):
    """c = v_z,  z ~ a;  gradient of the scores: (R - b) d log a_z,  R a reward, b a baseline

    Xu et al. (2015), section 4.1: https://arxiv.org/abs/1502.03044; Williams (1992)

    log a_z is returned; the loss knows the reward (the target's log-probability) and its
    baseline. High variance, and no bias where no later word depends on the draw. Half of all
    positions, chosen at random, take the average of soft attention instead, whose gradient has
    no noise; in the paper half of the images do.
    """

    SOFT = 0.5
    """Share of the positions in training that draw nothing."""

    def forward(self, weights: Tensor) -> Selected:
        if not self.training:
            return Selected(_greatest(weights), None)
        index = _with_noise(weights.detach()).argmax(dim=-1, keepdim=True)
        drawn = weights.gather(-1, index).squeeze(-1)
        # a row of zeros drew nothing: log 1
        log_probability = drawn.masked_fill(drawn == 0, 1).log()
        soft = torch.rand_like(drawn) < self.SOFT
        selected = torch.where(soft.unsqueeze(-1), weights, _picked(weights, index))
        return Selected(selected, log_probability.masked_fill(soft, 0))


def _with_noise(weights: Tensor) -> Tensor:
    """log a + g; the lowest number where a is 0, so that nothing there is ever drawn."""
    nothing = weights == 0
    # never quite 0, whose logarithm would be no number
    drawn = torch.empty_like(weights).exponential_().clamp_(min=torch.finfo(weights.dtype).tiny)
    noisy = weights.masked_fill(nothing, 1).log() - drawn.log()
    return noisy.masked_fill(nothing, torch.finfo(weights.dtype).min)


def _greatest(weights: Tensor) -> Tensor:
    return _picked(weights, weights.argmax(dim=-1, keepdim=True))


def _picked(weights: Tensor, index: Tensor) -> Tensor:
    """1 at the index, 0 elsewhere. index: (batch, target, 1)"""
    ones = (weights.gather(-1, index) > 0).to(weights.dtype)  # none in a row of zeros
    return torch.zeros_like(weights).scatter(-1, index, ones)
