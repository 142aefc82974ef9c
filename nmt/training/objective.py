"""The objective of a batch: the loss of its words, and the terms that a config adds."""

from typing import NamedTuple

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
    readouts: Tensor  # (batch, target, readout)
    targets: Tensor  # (batch, target) ids


def forward(
    model: Seq2Seq, batch: Batch, device: torch.device, *, ratio: float = 1.0, per: str
) -> ForwardPass:
    """Run a model over a batch.

    ratio, per: the share of teacher forcing, and whether it is drawn per token or per sentence
    """
    source, target_in, targets = to_device(
        (batch.source, batch.target_in, batch.target_out), device
    )
    forced = teacher_forcing_schedule.draw(ratio, target_in, per=per)
    output = model(source, source != PAD, target_in, forced)
    return ForwardPass(
        output.attention, output.draw_log_probs, targets != PAD, output.readouts, targets
    )


def objective(
    output: ForwardPass, vocabulary: nn.Linear, config: TrainingConfig, *, expected: Tensor
) -> tuple[Tensor, Tensor]:
    """What is minimised, summed over positions, and -log p(y_t) of each, (batch, target); in nats.

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
        minimised = minimised + reinforcement(
            draw_log_probs, -nll, expected[output.targets].to(nll.dtype), output.real
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
