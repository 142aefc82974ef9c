"""The training loop: update, report, validate, save, and stop at the right time."""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from math import isfinite
from time import monotonic
from typing import Any, NoReturn, Protocol

from nmt.config import TrainingConfig
from nmt.data.batching.loader import BatchLoader, Position
from nmt.training.interrupts import Interrupts
from nmt.training.trainer import StepMetrics, Trainer


@dataclass
class Progress(Position):
    """The position of a training: what a checkpoint keeps besides tensors."""

    step: int = 0
    seconds: float = 0.0
    """Spent training and validating, over all resumptions."""
    waiting: float = 0.0
    """Seconds of these in which the next batch was not ready."""
    target_tokens: int = 0
    validated: int = 0
    """The step of the last validation."""
    best_score: float | None = None
    best_step: int = 0
    validations_since_best: int = 0
    """Validations since the best."""
    bad_validations: int = 0
    """Validations in all without a better score."""
    ended: str | None = None
    """Why the training is over, once it is."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Validation:
    """The results of a validation."""

    loss: float
    bleu: float
    chrf: float
    forced_accuracy: float
    """Share of target tokens that the model finds most likely after the reference's words."""
    free_accuracy: float
    """The same after its own words."""
    seconds: float

    @property
    def accuracy_gap(self) -> float:
        """The accuracy lost by reading its own words: exposure bias (Ranzato et al., 2016)."""
        return self.forced_accuracy - self.free_accuracy

    def score(self, best_by: str) -> float:
        """The value that the best checkpoint has highest."""
        return self.bleu if best_by == "bleu" else -self.loss


class TrainingObserver(Protocol):
    """Called after each update and validation: the log, the metrics, the progress bar.

    An update may be told after the next one has begun, with the progress as it was.
    """

    def updated(self, progress: Progress, metrics: StepMetrics) -> None: ...

    def validated(self, progress: Progress, validation: Validation, better: bool) -> None: ...


@dataclass
class TrainingLoop:
    """A training: all of its parts, and `run`."""

    trainer: Trainer
    loader: BatchLoader
    config: TrainingConfig
    progress: Progress
    validate: Callable[[], Validation]
    save: Callable[[Progress], None]
    """Write a checkpoint; it is the best one when progress.best_step is progress.step."""
    observer: TrainingObserver
    interrupts: Interrupts

    def run(self) -> None:
        """Train to the end.

        Raises:
            Interrupted: a signal asked to stop; a checkpoint was saved.
            TrainingError: the loss is not finite, or the training has diverged.
        """
        self._clock = monotonic() - self.progress.seconds
        self._saved: Progress | None = None
        self._untold: deque[Progress] = deque()
        """The progress after each update whose result is not known yet."""
        with self.loader:
            while True:
                self.progress.ended = self._ending()
                last = self.progress.ended and self.progress.validated != self.progress.step
                if last or self._due():
                    self._validate()
                    self.progress.ended = self._ending()  # patience may have run out
                    self._save()
                if self.interrupts.requested:
                    self._stop()
                if self.progress.ended:
                    return
                self._update()

    def _update(self) -> None:
        progress = self.progress
        waited = self.loader.waited
        batches = self.loader.take(progress, self.config.accumulate)
        progress.waiting += self.loader.waited - waited
        self.trainer.update(batches)
        progress.step += 1
        progress.target_tokens += sum(batch.target_tokens for batch in batches)
        progress.seconds = monotonic() - self._clock
        self._untold.append(replace(progress))
        self._tell()
        every = self.config.checkpoint_every
        if every and progress.step % every == 0 and not (self._due() or self._ending()):
            self._save()  # otherwise it is saved with what its validation finds

    def _tell(self, *, wait: bool = False) -> None:
        """Tell the observer of updates whose results are there; wait: of all."""
        for metrics in self.trainer.results(wait=wait):
            self.observer.updated(self._untold.popleft(), metrics)

    def _due(self) -> bool:
        progress, every = self.progress, self.config.validate_every
        if progress.step == progress.validated:
            return False
        return progress.batch == 0 if every is None else progress.step % every == 0

    def _validate(self) -> None:
        self._tell(wait=True)
        progress = self.progress
        validation = self.interrupts.at_once(self.validate, self._stop)
        score = validation.score(self.config.best_by)
        better = progress.best_score is None or score > progress.best_score
        better = better and isfinite(score) and isfinite(validation.loss)
        if better:
            progress.best_score, progress.best_step = score, progress.step
            progress.validations_since_best = 0
        else:
            progress.validations_since_best += 1
            progress.bad_validations += 1
        self.trainer.bad_validations = progress.bad_validations
        progress.validated = progress.step
        progress.seconds = monotonic() - self._clock
        self.observer.validated(progress, validation, better)

    def _ending(self) -> str | None:
        progress, config = self.progress, self.config
        if config.epochs is not None and progress.epoch >= config.epochs:
            return f"{config.epochs} epochs are done"
        if config.max_steps is not None and progress.step >= config.max_steps:
            return f"{config.max_steps} steps are done"
        if config.max_minutes is not None and progress.seconds >= 60 * config.max_minutes:
            return f"{config.max_minutes:g} minutes are over"
        if config.patience is not None and progress.validations_since_best >= config.patience:
            measure = "BLEU" if config.best_by == "bleu" else config.best_by
            passed = progress.validations_since_best
            return f"early stopping: no {measure} improvement in {passed} validations"
        return None

    def _save(self) -> None:
        self._tell(wait=True)  # a loss that is not finite ends the training before it is saved
        self.save(self.progress)
        self._saved = replace(self.progress)

    def _stop(self) -> NoReturn:
        if self._saved != self.progress:  # a signal may come right after a save
            self._save()
        self.interrupts.leave()
