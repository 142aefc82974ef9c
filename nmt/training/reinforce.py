"""REINFORCE: what hard attention learns from where it drew, since a draw has no gradient."""

import torch
from torch import Tensor

AHEAD = 1.0
KEPT = 0.9  # of the baseline, in each update


def reinforcement(
    choices: Tensor, rewards: Tensor, real: Tensor, *, baseline: float, ahead: float = AHEAD
) -> Tensor:
    """- sum_t (R_t - b_t) log pi_t,  R_t = sum_{k >= t} g^(k-t) r_k,  b_t = sum_{k >= t} g^(k-t) b

    choices: (batch, target) log pi_t, the log-probability of the positions drawn
    rewards: (batch, target) r_t = log p(y_t | y_<t, source, draws), a constant here
    real: (batch, target) bool, False at padding
    baseline: b, nats a token
    ahead: g
    """
    above = ((rewards - baseline) * real).detach()
    ages = torch.arange(above.size(1), device=above.device)
    ages = ages.unsqueeze(1) - ages  # (target, target): how much later the row is than the column
    weights = torch.where(ages >= 0, ahead ** ages.clamp(min=0).to(above.dtype), 0.0)
    return -((above @ weights) * choices * real).sum()


def moved(baseline: float, reward: float) -> float:
    """The moving average b' = 0.9 b + 0.1 r of the mean reward of an update.

    Xu et al. (2015), section 4.1: https://arxiv.org/abs/1502.03044
    """
    return KEPT * baseline + (1 - KEPT) * reward
