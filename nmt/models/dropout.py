"""Dropout with random numbers that are cheap on a CPU."""

import torch
from torch import Tensor, nn

LEVELS = 2**16


class Dropout(nn.Dropout):
    """Zeroes values with probability p while training, and scales the others by 1 / (1 - p).

    Srivastava et al. (2014). On a CPU torch draws one random number for each value,
    serially; here 64 random bits decide about four values, so that p is rounded to 1 / 65,536.
    """

    def forward(self, values: Tensor) -> Tensor:
        if not self.training or self.p == 0 or values.device.type != "cpu":
            return super().forward(values)
        words = torch.empty(-(-values.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        bits = words.view(torch.int16)[: values.numel()].view(values.shape)
        kept = bits >= min(round(self.p * LEVELS), LEVELS - 1) - LEVELS // 2
        return values * kept.to(values.dtype).mul_(1 / (1 - self.p))
