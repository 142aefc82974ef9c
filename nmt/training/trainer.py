"""One update of a model's parameters, and the state that the next one depends on."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nmt.config import TrainingConfig
from nmt.data.batching.batches import Batch
from nmt.errors import TrainingError
from nmt.models import Seq2Seq
from nmt.models.devices import Compute, Readback, out_of_memory, return_freed_memory
from nmt.training import teacher_forcing_schedule
from nmt.training.divergence import Divergence
from nmt.training.micro_batches import MicroBatches
from nmt.training.objective import ForwardPass, count_right, forward, objective, plain_loss
from nmt.training.reinforce import Baseline
from nmt.training.schedules import SchedulePoint, factor
from nmt.training.state import (
    optimizer_state,
    random_states,
    restore_optimizer,
    set_random_states,
    take_tensor,
)

RETURN_EVERY = 16  # updates: batches of ever new shapes fragment memory


@dataclass(frozen=True)
class StepMetrics:
    """The result of one update."""

    loss: float
    """Nats per target token, without label smoothing."""
    gradient_norm: float
    learning_rate: float
    target_tokens: int
    source_tokens: int
    sentences: int


@dataclass(frozen=True)
class _Update:
    """An update whose loss may still be on its way from the device."""

    step: int
    batches: Sequence[Batch]
    target_tokens: int
    learning_rate: float
    sums: Readback  # the loss in nats, and the norm of the gradient

    def metrics(self) -> StepMetrics:
        loss, gradient_norm = self.sums.read()
        return StepMetrics(
            loss / self.target_tokens,
            gradient_norm,
            self.learning_rate,
            self.target_tokens,
            sum(batch.source_tokens for batch in self.batches),
            sum(len(batch.sentences) for batch in self.batches),
        )


class Trainer:
    """A model with its optimizer: updates it, measures it, and saves what the next update needs."""

    def __init__(
        self, model: Seq2Seq, config: TrainingConfig, compute: Compute, *, total: int | None
    ) -> None:
        self.model, self.config, self.compute, self.total = model, config, compute, total
        optimizer = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.optimizer]
        self.optimizer = optimizer(
            model.parameters(),
            lr=config.learning_rate,
            betas=config.betas,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.steps = 0
        self.bad_validations = 0
        self.micro_batches = MicroBatches(compute.device)
        self.baseline = Baseline(model.vocabulary.out_features, compute.device)
        """The baseline of hard attention's rewards."""
        self.divergence = Divergence(model.vocabulary.out_features)
        self.late = compute.device.type == "cuda"
        """Whether losses are read an update late, so that the device always has work queued."""
        self._unread: deque[_Update] = deque()
        self._refused = torch.zeros((), device=compute.device)
        """1 on the device once an update was not finite: neither it nor any later one counts."""

    def step(self, batches: Sequence[Batch]) -> StepMetrics:
        """One update, and its result: this waits for the device. Raises what `update` does."""
        self.update(batches)
        return self.results(wait=True)[-1]

    def update(self, batches: Sequence[Batch]) -> None:
        """One update from one or more batches, whose result `results` returns.

        Every target token weighs the same however tokens fall into batches: losses are sums,
        divided once by the tokens of the whole update. So a batch that does not fit into memory
        is split into micro-batches. Where losses are read late, nothing here waits for the device.

        Raises:
            TrainingError: the loss or the gradient is not finite, the training has diverged,
                or a single sentence does not fit into memory; nothing was updated. The first two
                are only known to `results` where losses are read late.
        """
        self.model.train()
        target_tokens = sum(batch.target_tokens for batch in batches)
        losses = None
        while losses is None:  # once, unless memory runs out
            parts = self.micro_batches.split(batches)
            with self.micro_batches.smaller_if_out_of_memory(parts, self._forget_gradients):
                losses = [self._backward(part, 1 / target_tokens) for part in parts]
        with self._memory_for_optimizer():
            gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
            norm = nn.utils.get_total_norm(gradients)
            sums = torch.stack([torch.stack(losses).sum(), norm])
            learning_rate = self.config.learning_rate * factor(self.config.schedule, self._point())
            update = _Update(self.steps + 1, batches, target_tokens, learning_rate, Readback(sums))
            if self.late:
                self._skip_unless_finite(sums)
            else:
                self._refuse_divergence(update)
            self._clip(norm, update)
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate
            self.optimizer.step()
        self.steps += 1
        self.baseline.move(unless=self._refused if self.late else None)
        self._unread.append(update)
        if self.steps % RETURN_EVERY == 0:
            return_freed_memory(self.compute.device)

    def results(self, *, wait: bool = False) -> list[StepMetrics]:
        """The results of updates that were not returned yet, in their order.

        wait: of all updates; else the last one is left for later where losses are read late

        Raises:
            TrainingError: a loss or a gradient was not finite: neither that update nor a later
                one has changed anything; or the training has diverged.
        """
        found = []
        while len(self._unread) > (1 if self.late and not wait else 0):
            update = self._unread.popleft()
            if self.late:
                self._refuse_divergence(update)
            found.append(update.metrics())
        return found

    def _skip_unless_finite(self, sums: Tensor) -> None:
        """Let the device skip an update by itself, and all that follow it.

        A fused optimizer changes neither weights nor its own state where `found_inf` is 1.
        """
        self._refused = torch.maximum(self._refused, (~sums.isfinite()).any().float())
        self.optimizer.found_inf = self._refused

    def _clip(self, norm: Tensor, update: _Update) -> None:
        """Scale a gradient that is too long. If its norm is not known here, by 1 if it is not."""
        clip_norm = self.config.clip_norm
        if clip_norm is not None and (self.late or update.sums.read()[1] > clip_norm):
            nn.utils.clip_grads_with_norm_(self.model.parameters(), clip_norm, norm)

    def _backward(self, batch: Batch, scale: float) -> Tensor:
        """Add the gradients of a micro-batch; its loss in nats."""
        ratio = teacher_forcing_schedule.ratio(self.config, self.steps, self.total)
        with self.compute.products():
            output = self._forward(batch, ratio)
            minimised, nll = objective(
                output, self.model.vocabulary, self.config, expected=self.baseline.average
            )
        (minimised * scale).backward()
        if output.draw_log_probs is not None:
            self.baseline.add(output.targets, -nll, output.real)
        return nll.sum()

    def _forward(self, batch: Batch, ratio: float) -> ForwardPass:
        per = self.config.teacher_forcing_per
        return forward(self.model, batch, self.compute.device, ratio=ratio, per=per)

    def _forget_gradients(self) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.baseline.forget()

    @contextmanager
    def _memory_for_optimizer(self) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            raise TrainingError(
                f"out of memory on {self.compute.device} for the optimizer's state, which is twice "
                "the size of the model: lower the model's sizes"
            ) from None
        finally:
            self.optimizer.zero_grad(set_to_none=True)

    def _refuse_divergence(self, update: _Update) -> None:
        loss, norm = update.sums.read()
        if not (math.isfinite(loss) and math.isfinite(norm)):
            self._forget_from(update)
            raise TrainingError(_not_finite(update, loss, norm))
        steady = self.config.teacher_forcing_schedule == "constant"
        self.divergence.updated(update.step, loss / update.target_tokens, steady=steady)

    def _forget_from(self, update: _Update) -> None:
        """Forget an update that was not finite and those after it, which changed nothing either."""
        self.steps = update.step - 1
        self._unread.clear()
        self._refused = torch.zeros_like(self._refused)
        self.baseline.forget()

    def loss(self, batches: Sequence[Batch]) -> float:
        """Nats per target token with teacher forcing, without learning.

        Raises:
            TrainingError: it is not finite, or the model has diverged.
        """
        loss = self._measure(batches, plain_loss, ratio=1.0)
        self.divergence.validated(self.steps, loss)
        return loss

    def accuracy(self, batches: Sequence[Batch], *, free: bool) -> float:
        """Share of the target tokens, EOS included, that the model predicts.

        free: it reads its own last word in place of the reference's, so that a translation that
            is shifted by a word is wrong from there on
        """
        return self._measure(batches, count_right, ratio=0.0 if free else 1.0)

    @torch.no_grad()
    def _measure(
        self,
        batches: Sequence[Batch],
        count: Callable[[ForwardPass, nn.Linear], Tensor],
        *,
        ratio: float,
    ) -> float:
        """Something that is summed over target tokens, per token."""
        self.model.eval()
        return_freed_memory(self.compute.device)
        sums = None
        while sums is None:  # once, unless memory runs out
            parts = self.micro_batches.split(batches)
            with self.micro_batches.smaller_if_out_of_memory(parts, self._forget_gradients):
                sums = [self._count(part, count, ratio) for part in parts]
        return torch.stack(sums).sum().item() / sum(batch.target_tokens for batch in batches)

    def _count(
        self, batch: Batch, count: Callable[[ForwardPass, nn.Linear], Tensor], ratio: float
    ) -> Tensor:
        with self.compute.products():
            return count(self._forward(batch, ratio), self.model.vocabulary)

    def _point(self) -> SchedulePoint:
        return SchedulePoint(
            self.steps + 1, self.config.warmup_steps, self.total, self.bad_validations
        )

    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on, except the parameters, as named tensors."""
        tensors = random_states(self.compute.device) | optimizer_state(self.model, self.optimizer)
        tensors["baseline"] = self.baseline.average
        if self.micro_batches.max_padded_tokens is not None:
            tensors["max_padded_tokens"] = torch.tensor(self.micro_batches.max_padded_tokens)
        if self.divergence.starts_high:
            tensors["guess"] = torch.tensor(self.divergence.guess, dtype=torch.float64)
        return tensors

    def restore(self, tensors: Mapping[str, Tensor], *, steps: int, bad_validations: int) -> None:
        """Take back what `state` gave after `steps` steps.

        Raises:
            CheckpointError: something is missing, damaged, or of another model.
        """
        if "max_padded_tokens" in tensors:
            self.micro_batches.max_padded_tokens = max(
                int(take_tensor(tensors, "max_padded_tokens", (), torch.int64)), 1
            )
        if "baseline" in tensors:
            average = self.baseline.average
            average.copy_(take_tensor(tensors, "baseline", tuple(average.shape), average.dtype))
        if "guess" in tensors:
            self.divergence.begin(float(take_tensor(tensors, "guess", (), torch.float64)))
        elif steps:
            self.divergence.begin(0.0)
        restore_optimizer(self.model, self.optimizer, tensors, steps=steps)
        set_random_states(tensors, self.compute.device)
        self.steps, self.bad_validations = steps, bad_validations


def _not_finite(update: _Update, loss: float, norm: float) -> str:
    numbers = [int(n) + 1 for batch in update.batches for n in batch.sentences]
    what = f"the loss is {loss}" if not math.isfinite(loss) else f"the gradient is {norm}"
    return (
        f"{what} at step {update.step}, in the batch of {len(numbers)} training pairs "
        f"{', '.join(map(str, numbers[:5]))}{' ...' if len(numbers) > 5 else ''}; nothing was "
        "updated: lower training.learning_rate or training.clip_norm, or try precision: float32"
    )
