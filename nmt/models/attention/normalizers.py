"""From scores to weights: one registered class per normaliser; padding always gets exactly zero.

What all of them share (precision, temperature, padding) is done once, in `Normalizer.forward`. A
normaliser may also have a hand-written backward pass, in nmt/models/fused/normalizers.py.
"""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from nmt.config import AttentionConfig
from nmt.models.attention.lengths import first_positions
from nmt.registry import Registry


class Normalizer(nn.Module, ABC):
    """Turns the scores of a row into the weights of an average."""

    sums_to_one = True
    """Whether each row of weights is a distribution."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__()
        self.temperature = config.temperature

    def forward(self, scores: Tensor, mask: Tensor) -> Tensor:
        """scores: (batch, target, source); mask: (batch, 1 or target, source), False at padding

        Returns weights like scores, float32 at least. A row of only padding gets zeros.
        """
        return self.without(~mask, scores)

    def without(self, padding: Tensor, scores: Tensor) -> Tensor:
        """The same, of a mask that is True at padding."""
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        if self.temperature != 1:
            scores = scores / self.temperature
        # the lowest number in place of -inf, so that a row of only padding has finite gradients
        lowest = torch.finfo(scores.dtype).min
        weights = self.normalize(self.adjust(scores).masked_fill(padding, lowest))
        return weights.masked_fill(padding, 0)

    def adjust(self, scores: Tensor) -> Tensor:
        """Apply what is learned about scores, before padding is masked."""
        return scores

    @abstractmethod
    def normalize(self, scores: Tensor) -> Tensor:
        """scores: (batch, target, source), at padding the lowest number of their dtype

        Returns the weights, like the scores; those at padding are zeroed afterwards.
        """


normalizers: Registry[type[Normalizer]] = Registry("attention normalizer")


@normalizers.register("softmax")
class Softmax(Normalizer):
    """a_j = exp(s_j / T) / sum_k exp(s_k / T)

    Bahdanau, Cho and Bengio (2015), section 3.1, equation 6: https://arxiv.org/abs/1409.0473;
    temperature T: Hinton, Vinyals and Dean (2015), section 2: https://arxiv.org/abs/1503.02531
    """

    def normalize(self, scores: Tensor) -> Tensor:
        return scores.softmax(dim=-1)


@normalizers.register("weighted_softmax")
class WeightedSoftmax(Softmax):
    """a_j = exp(w s_j / T) / sum_k exp(w s_k / T),  or with position_weights
    a_j = w_j exp(s_j / T) / sum_k w_k exp(s_k / T)

    Chorowski et al. (2015), section 2.2 (sharpening): https://arxiv.org/abs/1506.07503

    w: one learned number that starts at 1; with position_weights, a positive one for each of
    max_positions that starts at 1, kept as its logarithm: a preference for positions, whatever the
    words. Both start as softmax.
    """

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__(config)
        self.by_position = config.position_weights
        self.w = nn.Parameter(torch.zeros(config.max_positions) if self.by_position else _one())

    def adjust(self, scores: Tensor) -> Tensor:
        """Raises DataError: the source is longer than max_positions."""
        if not self.by_position:
            return scores * self.w
        return scores + first_positions(self.w, scores.size(-1), "position_weights")


def _one() -> Tensor:
    return torch.ones(())


@normalizers.register("relu")
class Relu(Normalizer):
    """a_j = max(0, s_j / T)

    Zhang, Titov and Sennrich (2021), section 3: https://arxiv.org/abs/2104.07012

    Not a distribution: weights can exceed 1, and a whole row can be 0. The layer normalisation
    that the paper puts after it is left out.
    """

    sums_to_one = False

    def normalize(self, scores: Tensor) -> Tensor:
        return scores.relu()


@normalizers.register("sparsemax")
class Sparsemax(Normalizer):
    """a = argmin_p |p - s / T|^2 over distributions p;  a_j = max(0, s_j / T - tau)

    Martins and Astudillo (2016), section 2, algorithm 1: https://arxiv.org/abs/1602.02068

    tau, for which the weights sum to one, is computed exactly, by sorting. Many weights are
    exactly 0.
    """

    def normalize(self, scores: Tensor) -> Tensor:
        return _Sparsemax.apply(scores)


@normalizers.register("entmax15")
class Entmax15(Normalizer):
    """a_j = max(0, s_j / 2T - tau)^2,  with the tau for which they sum to one

    Peters, Niculae and Martins (2019), sections 3 and 4, algorithm 2:
    https://arxiv.org/abs/1905.05702

    1.5-entmax: halfway between softmax (1) and sparsemax (2). tau is computed exactly, by sorting.
    """

    def normalize(self, scores: Tensor) -> Tensor:
        return _Entmax15.apply(scores)


class _Sparsemax(torch.autograd.Function):
    """Jacobian diag(s) - s s^T / sum(s), where s is 1 on the support and 0 elsewhere."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor) -> Tensor:
        shifted = _shifted(scores)
        ordered, counts = _ordered(shifted)
        sums = ordered.cumsum(dim=-1) - 1
        support = (counts * ordered > sums).sum(dim=-1, keepdim=True)
        threshold = sums.gather(-1, support - 1) / support
        weights = (shifted - threshold).clamp(min=0)
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    def backward(ctx: Any, grad_weights: Tensor) -> Tensor:
        (weights,) = ctx.saved_tensors
        return sparse_backward(grad_weights, (weights > 0).to(weights.dtype))


class _Entmax15(torch.autograd.Function):
    """Jacobian diag(s) - s s^T / sum(s), where s is the root of the weights."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor) -> Tensor:
        shifted = _shifted(scores / 2)
        ordered, counts = _ordered(shifted)
        mean = ordered.cumsum(dim=-1) / counts
        spread = (ordered**2).cumsum(dim=-1) - counts * mean**2
        thresholds = mean - ((1 - spread) / counts).clamp(min=0).sqrt()
        support = (thresholds <= ordered).sum(dim=-1, keepdim=True)
        roots = (shifted - thresholds.gather(-1, support - 1)).clamp(min=0)
        ctx.save_for_backward(roots)
        return roots**2

    @staticmethod
    def backward(ctx: Any, grad_weights: Tensor) -> Tensor:
        (roots,) = ctx.saved_tensors
        return sparse_backward(grad_weights, roots)


def _shifted(scores: Tensor) -> Tensor:
    """The greatest becomes 0. No threshold is below -1, so lower values are clamped to -2."""
    return (scores - scores.amax(dim=-1, keepdim=True)).clamp(min=-2)


def _ordered(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Greatest first, and how many there are up to each."""
    counts = torch.arange(1, scores.size(-1) + 1, dtype=scores.dtype, device=scores.device)
    return scores.sort(dim=-1, descending=True).values, counts


def sparse_backward(grad_weights: Tensor, s: Tensor) -> Tensor:
    """(diag(s) - s s^T / sum(s)) grad_weights: the scores' gradient, of sparsemax and entmax.

    s: like the weights; its sum is about 1 or more, except in a row of only padding, where it is 0
    """
    scaled = grad_weights * s
    return scaled - s * (scaled.sum(-1, keepdim=True) / s.sum(-1, keepdim=True).clamp(min=0.5))
