"""The loss of a batch: smoothed cross-entropy, from readouts to gradients piece by piece."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

PIECE = 1024  # positions projected at once: their logits stay in the processor's caches


def smoothed_cross_entropy(
    readouts: Tensor, vocabulary: nn.Linear, targets: Tensor, *, smoothing: float
) -> tuple[Tensor, Tensor]:
    """The summed loss of all positions in nats: what is minimised, and the plain part of it.

        sum_n  (1 - e) (-log p_n(y_n)) + e / V  sum_v (-log p_n(v))

    Szegedy et al. (2016), section 7: https://arxiv.org/abs/1512.00567. The logits of all positions
    never exist together: each piece of them is turned into its gradient at once.

    readouts: (positions, readout); targets: (positions,) ids, no padding among them
    """
    return _Loss.apply(readouts, vocabulary.weight, vocabulary.bias, targets, smoothing)


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        readouts: Tensor,
        weight: Tensor,
        bias: Tensor,
        targets: Tensor,
        smoothing: float,
    ) -> tuple[Tensor, Tensor]:
        narrow = torch.get_autocast_dtype(readouts.device.type)
        dtype = narrow if torch.is_autocast_enabled(readouts.device.type) else weight.dtype
        learns = any(ctx.needs_input_grad)  # torch types it elsewhere
        with torch.autocast(readouts.device.type, enabled=False):
            table, shift = weight.to(dtype), bias.to(dtype)
            total = plain = readouts.new_zeros((), dtype=torch.float32)
            of_readouts, of_weight = torch.empty_like(readouts), torch.zeros_like(weight)
            of_bias = torch.zeros_like(bias)
            for start in range(0, len(readouts), PIECE):
                piece = readouts[start : start + PIECE].to(dtype)
                gold = targets[start : start + PIECE].unsqueeze(1)
                logs = torch.addmm(shift, piece, table.t()).to(weight.dtype).log_softmax(dim=-1)
                surprise = -logs.gather(1, gold).sum()
                plain = plain + surprise
                total = total + (1 - smoothing) * surprise
                if smoothing:
                    total = total - smoothing * logs.mean(dim=1).sum()
                if not learns:
                    continue
                slope = logs.exp_()
                if smoothing:
                    slope -= smoothing / slope.size(1)
                slope.scatter_add_(1, gold, slope.new_full(gold.shape, smoothing - 1.0))
                of_bias += slope.sum(dim=0)
                slope = slope.to(dtype)
                of_readouts[start : start + PIECE] = slope @ table
                of_weight += slope.t() @ piece
        ctx.save_for_backward(of_readouts, of_weight, of_bias)
        ctx.mark_non_differentiable(plain)
        return total, plain

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        of_readouts, of_weight, of_bias = ctx.saved_tensors
        return of_readouts * slope, of_weight * slope, of_bias * slope, None, None
