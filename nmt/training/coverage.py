"""The coverage loss: attention that falls where it fell before costs something."""

import torch
from torch import Tensor

from nmt.config import NO_ATTENTION, AttentionConfig
from nmt.errors import ConfigError


def coverage_loss(attention: Tensor, real: Tensor) -> Tensor:
    """sum_t sum_j min(a_tj, c_tj),  c_tj = sum_{t'<t} a_t'j

    See, Liu and Manning (2017), equation 12: https://arxiv.org/abs/1704.04368. A position that
    looks only where nothing looked costs 0; one that looks where others did, at most the sum of its
    weights: 1, or with normaliser relu any number.

    attention: (batch, target, source); real: (batch, target) bool, False at padding
    """
    seen = attention[:, :-1].cumsum(dim=1)  # a first position can repeat nothing
    again = torch.minimum(attention[:, 1:], seen).sum(dim=-1)
    return (again * real[:, 1:]).sum()


def check(weight: float, attention: AttentionConfig) -> None:
    """Refuse a coverage loss that nothing could learn from.

    Raises:
        ConfigError: there is no attention, or it has no gradient.
    """
    reasons = {
        "model.attention.score": (attention.score, NO_ATTENTION, "there is nothing to spread"),
        "model.attention.selection": (
            attention.selection,
            "reinforce",
            "a draw passes no gradient on",
        ),
    }
    for key, (chosen, impossible, reason) in reasons.items():
        if weight and chosen == impossible:
            raise ConfigError(
                f"the weight is {weight:g}, but {key} is '{chosen}': {reason}; set it to 0"
            )
