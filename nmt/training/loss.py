"""Smoothed cross-entropy, computed in chunks from readouts to gradients."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from nmt.data.tokenizers.base import PAD

CHUNK = 1024  # positions projected at once
ROWS = 64  # of these, positions normalised at once: they stay in the L1 cache


def smoothed_cross_entropy(
    readouts: Tensor, vocabulary: nn.Linear, targets: Tensor, *, smoothing: float
) -> tuple[Tensor, Tensor]:
    """The loss in nats: what is minimised, summed over positions, and each one's -log p_n(y_n).

        sum_n  (1 - e) (-log p_n(y_n)) + e / V  sum_v (-log p_n(v))

    Szegedy et al. (2016), section 7: https://arxiv.org/abs/1512.00567. The logits of all positions
    never exist together: the forward pass overwrites those of each chunk with their gradients.
    Padding goes through the products, so that they come in few shapes, and counts as 0.

    readouts: (*, readout); targets: (*,) ids, PAD at padding, like the second result
    """
    learns = torch.is_grad_enabled()  # it is always off inside an autograd function
    flat = (readouts.flatten(0, -2), vocabulary.weight, vocabulary.bias, targets.flatten())
    minimised, nll = _Loss.apply(*flat, smoothing, learns)
    return minimised, nll.view_as(targets)


def count_likeliest(readouts: Tensor, vocabulary: nn.Linear, targets: Tensor) -> Tensor:
    """How many targets are the likeliest word in their position; logits are computed in chunks.

    readouts: (*, readout); targets: (*,) ids, PAD at padding, which is not counted
    """
    pieces = readouts.flatten(0, -2).split(CHUNK), targets.flatten().split(CHUNK)
    counts = [
        ((vocabulary(chunk).argmax(dim=-1) == gold) & (gold != PAD)).sum()
        for chunk, gold in zip(*pieces, strict=True)
    ]
    return torch.stack(counts).sum()


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        readouts: Tensor,
        weight: Tensor,
        bias: Tensor,
        targets: Tensor,
        smoothing: float,
        learns: bool,
    ) -> tuple[Tensor, Tensor]:
        autocast_dtype = torch.get_autocast_dtype(readouts.device.type)
        dtype = autocast_dtype if torch.is_autocast_enabled(readouts.device.type) else weight.dtype
        rows = ROWS if readouts.device.type == "cpu" else CHUNK
        with torch.autocast(readouts.device.type, enabled=False):
            table, weight_dtype = weight.to(dtype), weight.dtype
            nll = readouts.new_empty(len(readouts), dtype=weight_dtype)
            uniform = readouts.new_zeros((), dtype=weight_dtype)
            if learns:
                grad_readouts, grad_weight = torch.empty_like(readouts), torch.zeros_like(weight)
                grad_bias = torch.zeros_like(bias)
            for start in range(0, len(readouts), CHUNK):
                chunk = readouts[start : start + CHUNK].to(dtype)
                gold = targets[start : start + CHUNK].unsqueeze(1)
                logits = chunk @ table.t()
                parts = (logits, gold, (gold != PAD).to(weight_dtype), nll[start : start + CHUNK])
                split = zip(*(part.split(rows) for part in parts), strict=True)
                for logits_rows, gold_rows, real, nll_rows in split:
                    grad, row_nll, mean_nll = _nll(
                        logits_rows.to(weight_dtype).add_(bias), gold_rows
                    )
                    torch.mul(row_nll, real[:, 0], out=nll_rows)
                    uniform += mean_nll @ real[:, 0]
                    if not learns:
                        continue
                    if smoothing:
                        grad -= smoothing / grad.size(1)
                    grad.scatter_add_(1, gold_rows, grad.new_full(gold_rows.shape, smoothing - 1.0))
                    grad_bias += real[:, 0] @ grad
                    torch.mul(grad, real, out=logits_rows)  # in place of the logits
                if learns:
                    grad_readouts[start : start + CHUNK] = logits @ table
                    grad_weight += logits.t() @ chunk
        if learns:
            ctx.save_for_backward(grad_readouts, grad_weight, grad_bias)
        ctx.mark_non_differentiable(nll)
        return (1 - smoothing) * nll.sum() + smoothing * uniform, nll

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        grad_readouts, grad_weight, grad_bias = ctx.saved_tensors
        return grad_readouts * grad, grad_weight * grad, grad_bias * grad, None, None, None


def _nll(logits: Tensor, gold: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """logits: (rows, vocab); gold: (rows, 1) ids

    Returns the probabilities (rows, vocab), -log p(gold) (rows,), and the mean of -log p over the
    vocabulary (rows,).
    """
    probabilities = logits.softmax(dim=-1)
    top, height = probabilities.amax(dim=1, keepdim=True), logits.amax(dim=1, keepdim=True)
    norms = height - top.log()  # the logarithm of the sum of exp(logits): no underflow, one softmax
    nll = (norms - logits.gather(1, gold)).squeeze(1)
    return probabilities, nll, norms.squeeze(1) - logits.mean(dim=1)
