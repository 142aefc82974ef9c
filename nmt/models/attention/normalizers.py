"""From scores to weights: one registered class a normaliser; padding always gets exactly zero."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from nmt.registry import Registry


class Normalizer(nn.Module, ABC):
    """Turns the scores of a row into the weights of an average."""

    sums_to_one = True
    """Whether each row of weights is a distribution."""

    @abstractmethod
    def forward(self, scores: Tensor, mask: Tensor) -> Tensor:
        """scores: (batch, target, source); mask: (batch, source)

        Returns weights like scores, float32 at least.
        """


normalizers: Registry[type[Normalizer]] = Registry("attention normalizer")


@normalizers.register("softmax")
class Softmax(Normalizer):
    """a_j = exp(s_j) / sum_k exp(s_k) over the real positions."""

    def forward(self, scores: Tensor, mask: Tensor) -> Tensor:
        wide = torch.promote_types(scores.dtype, torch.float32)
        return scores.masked_fill(~mask.unsqueeze(1), -torch.inf).softmax(dim=-1, dtype=wide)
