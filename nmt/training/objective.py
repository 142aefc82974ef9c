"""The objective of a batch: the loss of its words, and the terms that a config adds."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from nmt.config import TrainingConfig
from nmt.data.batching.batches import Batch
from nmt.data.tokenizers.base import PAD
from nmt.models import Seq2Seq
from nmt.models.devices import to_device
from nmt.training import teacher_forcing_schedule
from nmt.training.coverage import coverage_loss
from nmt.training.loss import count_likeliest, smoothed_cross_entropy
from nmt.training.reinforce import reinforcement


class ForwardPass(NamedTuple):
    """What a model computes of a batch, before the logits."""

    attention: Tensor  # (batch, target, source)
    draw_log_probs: Tensor | None  # (batch, target): see `DecoderOutput`
    real: Tensor  # (batch, target) bool, False at padding
    positions: Tensor  # (positions,) where `real` is True, counted row by row
    readouts: Tensor  # (positions, readout)
    targets: Tensor  # (positions,) ids


def forward(
    model: Seq2Seq, batch: Batch, device: torch.device, *, ratio: float = 1.0, per: str
) -> ForwardPass:
    """Run a model over a batch.

    ratio, per: the share of teacher forcing, and whether it is drawn per token or per sentence
    """
    real = np.flatnonzero(batch.target_out != PAD)
    source, target_in, positions, targets = to_device(
        (batch.source, batch.target_in, real, batch.target_out.flat[real]), device
    )
    forced = teacher_forcing_schedule.draw(ratio, target_in, per=per)
    output = model(source, source != PAD, target_in, forced)
    readouts = output.readouts.flatten(0, 1)
    if len(real) < len(readouts):
        readouts = readouts.index_select(0, positions)
    return ForwardPass(
        output.attention, output.draw_log_probs, target_in != PAD, positions, readouts, targets
    )


def objective(
    output: ForwardPass, vocabulary: nn.Linear, config: TrainingConfig, *, expected: Tensor
) -> tuple[Tensor, Tensor]:
    """What is minimised, summed over positions, and -log p(y_t) of each one; in nats.

    expected: (vocab,) the reward that hard attention could expect of each word
    """
    minimised, nll = smoothed_cross_entropy(
        output.readouts, vocabulary, output.targets, smoothing=config.label_smoothing
    )
    if config.coverage_loss:
        coverage = coverage_loss(output.attention, output.real)
        minimised = minimised + config.coverage_loss * coverage
    draw_log_probs = output.draw_log_probs
    if draw_log_probs is not None:
        nothing = torch.zeros_like(draw_log_probs, dtype=nll.dtype).flatten()
        rewards, expected_rewards = (
            nothing.index_copy(0, output.positions, values).view_as(draw_log_probs)
            for values in (-nll, expected[output.targets].to(nll.dtype))
        )
        minimised = minimised + reinforcement(
            draw_log_probs, rewards, expected_rewards, output.real
        )
    return minimised, nll


def plain_loss(output: ForwardPass, vocabulary: nn.Linear) -> Tensor:
    """Summed -log p(y_t), in nats."""
    return smoothed_cross_entropy(output.readouts, vocabulary, output.targets, smoothing=0.0)[
        1
    ].sum()


def count_right(output: ForwardPass, vocabulary: nn.Linear) -> Tensor:
    """Positions whose likeliest word is the target's."""
    return count_likeliest(output.readouts, vocabulary, output.targets)
