"""The coverage loss, which penalises attending to the same position again."""

import torch
from torch import Tensor

from nmt.config import NO_ATTENTION, AttentionConfig
from nmt.errors import ConfigError


def coverage_loss(attention: Tensor, real: Tensor) -> Tensor:
    """sum_t sum_j min(a_tj, c_tj),  c_tj = sum_{t'<t} a_t'j

    See, Liu and Manning (2017), equation 12: https://arxiv.org/abs/1704.04368. A target position
    that attends only where none has attended before costs 0; one that attends where others did, at
    most the sum of its weights: 1, or with normaliser relu any number.

    attention: (batch, target, source); real: (batch, target) bool, False at padding
    """
    seen = attention[:, :-1].cumsum(dim=1)  # the first position repeats nothing
    again = torch.minimum(attention[:, 1:], seen).sum(dim=-1)
    return (again * real[:, 1:]).sum()


def check(weight: float, attention: AttentionConfig) -> None:
    """Refuse a coverage loss without effect.

    Raises:
        ConfigError: there is no attention, or it has no gradient.
    """
    reasons = {
        "model.attention.score": (attention.score, NO_ATTENTION, "there are no weights to spread"),
        "model.attention.selection": (
            attention.selection,
            "reinforce",
            "a draw has no gradient",
        ),
    }
    for key, (chosen, impossible, reason) in reasons.items():
        if weight and chosen == impossible:
            raise ConfigError(
                f"the weight is {weight:g}, but {key} is '{chosen}': {reason}; set it to 0"
            )
