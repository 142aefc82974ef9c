"""One update of a model's parameters, and all the state that the next one depends on."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nmt.config import TrainingConfig
from nmt.data.batching.batches import Batch, in_parts
from nmt.errors import TrainingError
from nmt.models import Seq2Seq
from nmt.models.devices import Compute, out_of_memory, return_freed_memory
from nmt.training import forcing
from nmt.training.divergence import Divergence
from nmt.training.objective import Read, count_right, objective, plain_loss, read
from nmt.training.reinforce import Baseline
from nmt.training.schedules import SchedulePoint, factor
from nmt.training.state import (
    of_optimizer,
    random_states,
    restore_optimizer,
    set_random_states,
    taken,
)

log = logging.getLogger(__name__)
RETURN_EVERY = 16  # updates: batches of ever new shapes leave ever more gaps between their tensors


@dataclass(frozen=True)
class StepMetrics:
    """What one update did."""

    loss: float
    """Nats per target token, without label smoothing."""
    gradient_norm: float
    learning_rate: float
    target_tokens: int
    source_tokens: int
    sentences: int


class Trainer:
    """A model with its optimizer. It knows one verb: step."""

    def __init__(
        self, model: Seq2Seq[Any], config: TrainingConfig, compute: Compute, *, total: int | None
    ) -> None:
        self.model, self.config, self.compute, self.total = model, config, compute, total
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.optimizer]
        self.optimizer = kind(
            model.parameters(),
            lr=config.learning_rate,
            betas=config.betas,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.steps = 0
        self.bad_validations = 0
        self.max_padded_tokens: int | None = None
        """The largest batch that is learned from at once, once one did not fit."""
        self.baseline = Baseline(model.vocabulary.out_features, compute.device)
        """What hard attention is rewarded beyond."""
        self.divergence = Divergence(model.vocabulary.out_features)

    def step(self, batches: Sequence[Batch]) -> StepMetrics:
        """One update from one or more batches.

        Every target token weighs the same however tokens fall into batches: losses are sums,
        divided once by the tokens of the whole update. So a batch that does not fit into the
        memory is split into micro-batches. Until its end the update asks the device for no number.

        Raises:
            TrainingError: the loss or the gradient is not finite, the training has diverged,
                or a single sentence does not fit into the memory; nothing was updated.
        """
        self.model.train()
        tokens = sum(batch.target_tokens for batch in batches)
        loss = self._over(batches, lambda part: self._learn_from(part, 1 / tokens))
        try:
            total, norm, rate = self._move(batches, loss)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            raise TrainingError(
                f"{self.compute.device} has not enough memory for what the optimizer keeps of each "
                "parameter, twice the size of the model: lower the model's sizes"
            ) from None
        finally:
            self.optimizer.zero_grad(set_to_none=True)
        self.steps += 1
        self.baseline.move()
        if self.steps % RETURN_EVERY == 0:
            return_freed_memory()
        return StepMetrics(
            total / tokens,
            norm,
            rate,
            tokens,
            sum(batch.source_tokens for batch in batches),
            sum(len(batch.sentences) for batch in batches),
        )

    def _move(self, batches: Sequence[Batch], loss: Tensor) -> tuple[float, float, float]:
        """Move the parameters along the gradients: the loss, the gradients' norm, and the rate."""
        parameters = [p for p in self.model.parameters() if p.grad is not None]
        length = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        total, norm = torch.stack([loss, length]).tolist()
        if not (math.isfinite(total) and math.isfinite(norm)):
            self.baseline.forget()
            raise TrainingError(self._lost(batches, total, norm))
        tokens = sum(batch.target_tokens for batch in batches)
        steady = self.config.teacher_forcing_schedule == "constant"
        self.divergence.updated(self.steps + 1, total / tokens, steady=steady)
        longest = self.config.clip_norm
        if longest is not None and norm > longest:
            nn.utils.clip_grads_with_norm_(parameters, longest, length)
        rate = self.config.learning_rate * factor(self.config.schedule, self._moment())
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        return total, norm, rate

    def _over(self, batches: Sequence[Batch], work: Callable[[Batch], Tensor]) -> Tensor:
        """The sum of some work over batches, which are cut into parts where they do not fit."""
        while True:
            parts = [part for batch in batches for part in in_parts(batch, self.max_padded_tokens)]
            random = random_states(self.compute.device)
            try:
                return torch.stack([work(part) for part in parts]).sum()
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
            # Only here, after the block, nothing holds the failed attempt's tensors any more.
            self.optimizer.zero_grad(set_to_none=True)
            self.baseline.forget()
            set_random_states(random, self.compute.device)
            self._make_room(parts)

    def _make_room(self, parts: Sequence[Batch]) -> None:
        """Micro-batches of these sizes do not fit: halve them from now on."""
        largest = max(parts, key=lambda part: part.padded_tokens)
        if all(len(part.sentences) == 1 for part in parts):
            raise TrainingError(
                f"out of memory on {self.compute.device} for a sentence pair of "
                f"{largest.padded_tokens:,} tokens: lower data.cleaning.max_words or the model's "
                "sizes"
            )
        self.max_padded_tokens = largest.padded_tokens // 2
        log.warning(
            "out of memory on %s for a batch of %s tokens: splitting such batches into "
            "micro-batches of up to %s from now on; the losses are unchanged. A lower "
            "training.batch_tokens with a higher training.accumulate does so from the start",
            self.compute.device,
            f"{largest.padded_tokens:,}",
            f"{self.max_padded_tokens:,}",
        )
        if self.compute.device.type == "cuda":
            torch.cuda.empty_cache()

    def _learn_from(self, batch: Batch, scale: float) -> Tensor:
        """Add a batch's gradients; its loss in nats."""
        ratio = forcing.ratio(self.config, self.steps, self.total)
        with self.compute.products():
            found = self._read(batch, ratio)
            minimised, nll = objective(
                found, self.model.vocabulary, self.config, expected=self.baseline.average
            )
        (minimised * scale).backward()
        if found.reading.draw_log_probs is not None:
            self.baseline.add(found.targets, -nll)
        return nll.sum()

    def _read(self, batch: Batch, ratio: float) -> Read:
        per = self.config.teacher_forcing_per
        return read(self.model, batch, self.compute.device, ratio=ratio, per=per)

    def loss(self, batches: Sequence[Batch]) -> float:
        """Nats per target token, read with teacher forcing, nothing learned.

        Raises:
            TrainingError: it is not finite, or the model has diverged.
        """
        found = self._measure(batches, plain_loss, ratio=1.0)
        self.divergence.validated(self.steps, found)
        return found

    def accuracy(self, batches: Sequence[Batch], *, free: bool) -> float:
        """Share of the target tokens, EOS included, that the model finds the likeliest in place.

        free: it reads its own last choice in place of the reference's last word, so that a
            translation that is shifted by a word is wrong from there on
        """
        return self._measure(batches, count_right, ratio=0.0 if free else 1.0)

    @torch.no_grad()
    def _measure(
        self, batches: Sequence[Batch], count: Callable[[Read, nn.Linear], Tensor], *, ratio: float
    ) -> float:
        self.model.eval()
        return_freed_memory()

        def work(part: Batch) -> Tensor:
            with self.compute.products():
                return count(self._read(part, ratio), self.model.vocabulary)

        return self._over(batches, work).item() / sum(batch.target_tokens for batch in batches)

    def _moment(self) -> SchedulePoint:
        return SchedulePoint(
            self.steps + 1, self.config.warmup_steps, self.total, self.bad_validations
        )

    def _lost(self, batches: Sequence[Batch], total: float, norm: float) -> str:
        numbers = [int(n) + 1 for batch in batches for n in batch.sentences]
        what = f"the loss is {total}" if not math.isfinite(total) else f"the gradient is {norm}"
        return (
            f"{what} at step {self.steps + 1}, in the batch of {len(numbers)} training pairs "
            f"{', '.join(map(str, numbers[:5]))}{' ...' if len(numbers) > 5 else ''}; nothing was "
            "updated: lower training.learning_rate or training.clip_norm, or try precision: float32"
        )

    def state(self) -> dict[str, Tensor]:
        """Everything but the parameters that the next step depends on, as named tensors."""
        tensors = random_states(self.compute.device) | of_optimizer(self.model, self.optimizer)
        tensors["baseline"] = self.baseline.average
        if self.max_padded_tokens is not None:
            tensors["max_padded_tokens"] = torch.tensor(self.max_padded_tokens)
        if self.divergence.starts_high:
            tensors["guess"] = torch.tensor(self.divergence.guess, dtype=torch.float64)
        return tensors

    def restore(self, tensors: Mapping[str, Tensor], *, steps: int, bad_validations: int) -> None:
        """Take back what `state` gave after `steps` steps.

        Raises:
            CheckpointError: something is missing, damaged, or of another model.
        """
        if "max_padded_tokens" in tensors:
            self.max_padded_tokens = max(
                int(taken(tensors, "max_padded_tokens", (), torch.int64)), 1
            )
        if "baseline" in tensors:
            average = self.baseline.average
            average.copy_(taken(tensors, "baseline", tuple(average.shape), average.dtype))
        if "guess" in tensors:
            self.divergence.begin(float(taken(tensors, "guess", (), torch.float64)))
        elif steps:
            self.divergence.begin(0.0)
        restore_optimizer(self.model, self.optimizer, tensors, steps=steps)
        set_random_states(tensors, self.compute.device)
        self.steps, self.bad_validations = steps, bad_validations
