"""Weights in the layout that the processor's library computes with, for products of few rows.

Given a plain matrix, oneDNN copies all of it into a layout of its own at each product. For a few
rows, as at each position of a recurrence or of a search, that takes as long as the product itself.
So weights that stay the same for many products are laid out once.
"""

from typing import Any

import torch
from torch import Tensor, nn


class PackedWeight:
    """x W^T for many x: (rows, in) -> (rows, out)

    Elsewhere than on a processor with oneDNN, and for other types than float32 and bfloat16, this
    is torch's own product.
    """

    def __init__(self, weight: Tensor) -> None:
        """weight: (out, in), which must not change"""
        self.weight = weight
        self.packed = _packed(weight)

    def __call__(self, inputs: Tensor, added: Tensor | None = None) -> Tensor:
        """added: what is added to the product, (rows, out) or (out,)"""
        if self.packed is None:
            product = inputs @ self.weight.t()
            return product if added is None else product.add_(added)
        if added is None or added.dim() == 1:
            return _PRODUCT(inputs, self.packed, added, "none", [], "")
        return _PRODUCT.binary(inputs, added, self.packed, None, "add")


class PackedLinear(nn.Linear):
    """A linear layer that has learned all it will, with its weight packed."""

    def __init__(self, learned: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = learned.in_features, learned.out_features
        self.weight, self.bias = learned.weight, learned.bias
        self.packed = PackedWeight(self.weight.detach())

    def forward(self, input: Tensor) -> Tensor:
        return self.packed(input.to(self.weight.dtype), self.bias)


_PRODUCT: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
_LAYOUT: Any = getattr(torch.ops.mkldnn, "_reorder_linear_weight", None)


def _packed(weight: Tensor) -> Tensor | None:
    """None where the library cannot: it may lack the type, or torch the library."""
    known = weight.device.type == "cpu" and weight.dtype in (torch.float32, torch.bfloat16)
    if _LAYOUT is None or not known:
        return None
    try:
        packed: Tensor = _LAYOUT(weight)
        _PRODUCT(weight.new_zeros(1, weight.size(1)), packed, None, "none", [], "")
    except RuntimeError:
        return None
    return packed
