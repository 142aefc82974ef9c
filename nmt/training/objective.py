"""What is minimised of a batch: the loss of its words, and what else a config adds to it."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from nmt.config import TrainingConfig
from nmt.data.batching.batches import Batch
from nmt.data.tokenizers.base import PAD
from nmt.models import Seq2Seq
from nmt.models.contract import DecoderOutput
from nmt.training import forcing
from nmt.training.coverage import coverage_loss
from nmt.training.loss import count_likeliest, smoothed_cross_entropy
from nmt.training.reinforce import reinforcement


class Read(NamedTuple):
    """A batch that a model has read."""

    reading: DecoderOutput
    real: Tensor  # (batch, target) bool, False at padding
    places: Tensor  # (positions,) where `real` is True, counted row by row
    readouts: Tensor  # (positions, readout), of those places
    targets: Tensor  # (positions,) ids, of those places


def read(
    model: Seq2Seq[Any], batch: Batch, device: torch.device, *, ratio: float = 1.0, per: str
) -> Read:
    """Let a model read a batch.

    ratio, per: the share of teacher forcing, and whether it is drawn per token or per sentence
    """
    found = np.flatnonzero(batch.target_out != PAD)
    source, target_in, places, targets = (
        moved(numbers, device)
        for numbers in (batch.source, batch.target_in, found, batch.target_out.flat[found])
    )
    reading = model(source, source != PAD, target_in, forcing.draw(ratio, target_in, per=per))
    readouts = reading.readouts.flatten(0, 1)
    if len(found) < len(readouts):
        readouts = readouts.index_select(0, places)
    return Read(reading, target_in != PAD, places, readouts, targets)


def moved(numbers: np.ndarray, device: torch.device) -> Tensor:
    """Numbers on a device.

    Only a copy from pinned memory to CUDA may go on while the program does: of any other memory,
    nobody but CUDA promises to read it before it is freed.
    """
    tensor = torch.from_numpy(numbers)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def objective(
    read: Read, vocabulary: nn.Linear, config: TrainingConfig, *, expected: Tensor
) -> tuple[Tensor, Tensor]:
    """What is minimised, summed over positions, and -log p(y_t) of each one; in nats.

    expected: (vocab,) the reward that hard attention could expect of each word
    """
    minimised, nll = smoothed_cross_entropy(
        read.readouts, vocabulary, read.targets, smoothing=config.label_smoothing
    )
    attention, draw_log_probs = read.reading.attention, read.reading.draw_log_probs
    if config.coverage_loss:
        minimised = minimised + config.coverage_loss * coverage_loss(attention, read.real)
    if draw_log_probs is not None:
        nothing = torch.zeros_like(draw_log_probs, dtype=nll.dtype).flatten()
        rewards, awaited = (
            nothing.index_copy(0, read.places, found).view_as(draw_log_probs)
            for found in (-nll, expected[read.targets].to(nll.dtype))
        )
        minimised = minimised + reinforcement(draw_log_probs, rewards, awaited, read.real)
    return minimised, nll


def plain_loss(read: Read, vocabulary: nn.Linear) -> Tensor:
    """Summed -log p(y_t), in nats."""
    return smoothed_cross_entropy(read.readouts, vocabulary, read.targets, smoothing=0.0)[1].sum()


def count_right(read: Read, vocabulary: nn.Linear) -> Tensor:
    """Positions whose likeliest word is the target's."""
    return count_likeliest(read.readouts, vocabulary, read.targets)
