"""Micro-batches: what an update is split into where a whole batch does not fit into memory."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from traceback import clear_frames

import torch

from nmt.data.batching.batches import Batch, micro_batches
from nmt.errors import TrainingError
from nmt.models.devices import out_of_memory
from nmt.training.state import random_states, set_random_states

log = logging.getLogger(__name__)


class MicroBatches:
    """Batches stay whole until one does not fit; from then on they are split."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.max_padded_tokens: int | None = None
        """Of a micro-batch; None as long as every batch has fitted."""

    def split(self, batches: Sequence[Batch]) -> list[Batch]:
        return [part for batch in batches for part in micro_batches(batch, self.max_padded_tokens)]

    @contextmanager
    def smaller_if_out_of_memory(
        self, parts: Sequence[Batch], undo: Callable[[], None]
    ) -> Iterator[None]:
        """Work on micro-batches; where one does not fit, it is undone and the next are smaller.

        Random numbers are drawn again from where they were, so that a failed attempt leaves no
        trace.

        Raises:
            TrainingError: a single sentence does not fit.
        """
        random = random_states(self.device)
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            clear_frames(error.__traceback__)  # they hold the failed attempt's tensors
            undo()
            set_random_states(random, self.device)
            self._halve(parts)

    def _halve(self, parts: Sequence[Batch]) -> None:
        largest = max(part.padded_tokens for part in parts)
        if all(len(part.sentences) == 1 for part in parts):
            raise TrainingError(
                f"out of memory on {self.device} for a sentence pair of {largest:,} tokens: lower "
                "data.cleaning.max_words or the model's sizes"
            ) from None
        self.max_padded_tokens = largest // 2
        log.warning(
            "out of memory on %s for a batch of %s tokens: splitting such batches into "
            "micro-batches of up to %s from now on; the losses are unchanged. A lower "
            "training.batch_tokens with a higher training.accumulate does so from the start",
            self.device,
            f"{largest:,}",
            f"{self.max_padded_tokens:,}",
        )
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
