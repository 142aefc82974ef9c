"""Which precision trains a model faster here."""

import numpy as np
import torch

from nmt.config import TrainingConfig
from nmt.data.batching.batches import Batch
from nmt.data.batching.sizes import rounded_down
from nmt.data.tokenizers.base import BOS, PAD, Vocabularies
from nmt.models import Seq2Seq
from nmt.models.devices import Compute
from nmt.models.precision import Timings, timings
from nmt.training.objective import forward, objective

LENGTH, MOST_ROWS = 8, 128


def time_precisions(
    model: Seq2Seq,
    config: TrainingConfig,
    compute: Compute,
    vocabularies: Vocabularies,
    *,
    longest: int,
    kind: object,
) -> Timings:
    """Time the gradient of a small made-up batch in both precisions; the model stays as it is.

    longest: the batch has no longer sentences
    kind: what is timed, but for the sizes of the batch and of the vocabularies
    """
    length = min(LENGTH, longest)
    rows = min(rounded_down(max(config.batch_tokens // (2 * length), 1)), MOST_ROWS)
    batch = _made_up(rows, length, vocabularies)
    expected = torch.zeros(vocabularies.target, device=compute.device)

    def work(bfloat16: bool) -> None:
        with Compute(compute.device, bfloat16).products():
            output = forward(model, batch, compute.device, per=config.teacher_forcing_per)
            minimised, _ = objective(output, model.vocabulary, config, expected=expected)
        minimised.backward()
        model.zero_grad(set_to_none=True)

    model.train()
    with torch.random.fork_rng(devices=[]):
        return timings(work, kind=("gradient", kind, vocabularies, rows, length))


def _made_up(rows: int, length: int, vocabularies: Vocabularies) -> Batch:
    dice = np.random.default_rng(1)
    source = dice.integers(PAD + 1, vocabularies.source, (rows, length))
    target = dice.integers(PAD + 1, vocabularies.target, (rows, length))
    shifted = np.concatenate([np.full((rows, 1), BOS), target[:, :-1]], axis=1)
    return Batch(source, shifted, target, np.arange(rows))
