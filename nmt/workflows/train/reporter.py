"""Reports on a training run: log lines, metrics, TensorBoard, samples, a progress bar."""

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from logging.handlers import BufferingHandler
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from nmt.checkpoint.run import Run
from nmt.checkpoint.shareable import shareable
from nmt.config import TrainingConfig
from nmt.errors import WriteError
from nmt.files import os_errors_as_write_error, refuse_links, write_text
from nmt.training.loop import Progress, Validation
from nmt.training.trainer import StepMetrics
from nmt.workflows.train.progress_bar import Bar, clock
from nmt.workflows.train.remaining_time import Remaining, RemainingTime

log = logging.getLogger(__name__)
MANY = 10_000  # log lines: more than are written before training begins


class TrainingReporter:
    """Reports progress to the log, metrics.jsonl and TensorBoard."""

    def __init__(
        self, run: Run, config: TrainingConfig, *, updates_per_epoch: int, updates: int | None
    ) -> None:
        self.run, self.config = run, config
        self.updates_per_epoch, self.updates = updates_per_epoch, updates
        self.bar = Bar(updates)
        self._updates: list[StepMetrics] = []
        self._since = self._last_event = monotonic()
        self._started, self._waited = False, 0.0
        self._remaining = RemainingTime(
            config, updates_per_epoch=updates_per_epoch, updates=updates
        )
        self._estimated = False
        self._examples: list[tuple[str, str, str]] = []
        self._board = Board(run) if config.tensorboard else None

    def __enter__(self) -> Self:
        with os_errors_as_write_error(self.run.metrics):
            self.run.folder.mkdir(parents=True, exist_ok=True)
            refuse_links(self.run.metrics, self.run.folder)
            self._metrics = self.run.metrics.open("a", encoding="utf-8", newline="\n")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.close()
        with suppress(OSError):  # on a full disk, the buffer still holds an unwritten line
            self._metrics.close()
        if self._board is not None:
            self._board.close()

    def updated(self, progress: Progress, metrics: StepMetrics) -> None:
        if not self._started:
            self._started = True
            self._waited = progress.waiting  # excludes earlier runs and the first batch
        self._updates.append(metrics)
        self._remaining.updated(self._since_last_event())
        remaining = self._remaining.estimate(progress.step, validated=progress.validated)
        if remaining is not None and not self._estimated:
            self._estimated = True
            log.info("about %s", described(remaining))
        self.bar.advance(progress.step, self._speed(), metrics.loss, self._left(progress))
        if progress.step % self.config.log_every == 0:
            self._line(progress)

    def validated(self, progress: Progress, validation: Validation, better: bool) -> None:
        self._remaining.validated(self._since_last_event())
        if self._updates:
            self._line(progress)
        best = progress.best_score or 0.0
        shown = best if self.config.best_by == "bleu" else -best
        log.info(
            "valid %d epoch %d | loss %.3f bleu %.2f chrf %.2f | tokens right %.1f %% forced, "
            "%.1f %% free, gap %.1f | %s | %.0f s",
            progress.step,
            progress.epoch,
            validation.loss,
            validation.bleu,
            validation.chrf,
            100 * validation.forced_accuracy,
            100 * validation.free_accuracy,
            100 * validation.accuracy_gap,
            "new best"
            if better
            else f"no improvement in {progress.validations_since_best} (best {shown:.2f} at "
            f"{progress.best_step})",
            validation.seconds,
        )
        for source, reference, hypothesis in self._examples[: self.config.samples]:
            log.info("  source     %s", source)
            log.info("  reference  %s", reference)
            log.info("  hypothesis %s", hypothesis)
        self._write(
            progress,
            "validation",
            {
                "loss": validation.loss,
                "bleu": validation.bleu,
                "chrf": validation.chrf,
                "forced_accuracy": validation.forced_accuracy,
                "free_accuracy": validation.free_accuracy,
                "accuracy_gap": validation.accuracy_gap,
            },
        )
        self._since = monotonic()

    def saved(self) -> None:
        """A checkpoint has just been written."""
        self._remaining.saved(self._since_last_event())

    def samples(self, progress: Progress, examples: list[tuple[str, str, str]]) -> None:
        """Save (source, reference, hypothesis) of fixed sentences in the run."""
        self._examples = examples
        text = "".join(
            f"source      {source}\nreference   {reference}\nhypothesis  {hypothesis}\n\n"
            for source, reference, hypothesis in examples
        )
        write_text(self.run.samples / f"step-{progress.step}.txt", text, root=self.run.folder)

    def _line(self, progress: Progress) -> None:
        updates, speed = self._updates, self._speed()
        waiting = (progress.waiting - self._waited) / max(monotonic() - self._since, 1e-9)
        tokens = sum(r.target_tokens for r in updates)
        loss = sum(r.loss * r.target_tokens for r in updates) / tokens
        last, left = updates[-1], self._left(progress)
        log.info(
            "step %d%s epoch %.2f | loss %.3f | lr %.2e gnorm %.2f | %.0f tok/s | "
            "waiting for data %.1f %%%s",
            progress.step,
            f"/{self.updates}" if self.updates else "",
            self._epoch(progress),
            loss,
            last.learning_rate,
            last.gradient_norm,
            speed,
            100 * waiting,
            f" | left {left}" if left else "",
        )
        self._write(
            progress,
            "train",
            {
                "loss": loss,
                "tokens_per_second": speed,
                "waiting_share": waiting,
                "learning_rate": last.learning_rate,
                "gradient_norm": last.gradient_norm,
                "target_tokens": progress.target_tokens,
            },
        )
        self._updates, self._since, self._waited = [], monotonic(), progress.waiting

    def _write(self, progress: Progress, event: str, values: dict[str, float]) -> None:
        line = {
            "event": event,
            "step": progress.step,
            "epoch": round(self._epoch(progress), 4),
            "seconds": round(progress.seconds, 3),
            **values,
        }
        with os_errors_as_write_error(self.run.metrics):
            self._metrics.write(json.dumps(line) + "\n")
            self._metrics.flush()
        if self._board is not None:
            self._board.add(event, values, progress.step)

    def _epoch(self, progress: Progress) -> float:
        return progress.epoch + progress.batch / self.config.accumulate / self.updates_per_epoch

    def _speed(self) -> float:
        """Target tokens per second since the last log line."""
        return sum(r.target_tokens for r in self._updates) / max(monotonic() - self._since, 1e-9)

    def _since_last_event(self) -> float:
        """Seconds since the last update, validation or checkpoint ended."""
        before, self._last_event = self._last_event, monotonic()
        return self._last_event - before

    def _left(self, progress: Progress) -> str | None:
        """The time to the end of the training; None if it is not known yet."""
        remaining = self._remaining.estimate(progress.step, validated=progress.validated)
        limits = [] if remaining is None else [remaining.seconds]
        if self.config.max_minutes is not None:
            limits.append(max(60 * self.config.max_minutes - progress.seconds, 0.0))
        return clock(min(limits)) if limits else None


def described(remaining: Remaining) -> str:
    """
    >>> described(Remaining(3700, 900, 3, validations_timed=True))
    '1:01:40 for 900 updates and 3 validations'
    >>> described(Remaining(75, 900, 1, validations_timed=False))
    '1:15 for 900 updates, without 1 validation'
    """
    validations = f"{remaining.validations} validation{'s' * (remaining.validations != 1)}"
    joined = " and" if remaining.validations_timed else ", without"
    return f"{clock(remaining.seconds)} for {remaining.updates} updates{joined} {validations}"


class Board:
    """The TensorBoard file of a run. Failures are only warnings: they must not stop training."""

    def __init__(self, run: Run) -> None:
        logging.getLogger("tensorboard").setLevel(logging.ERROR)
        from tensorboard.summary import Writer

        self._writer: Any = None
        with self._switched_off_on_failure(), os_errors_as_write_error(run.tensorboard):
            refuse_links(run.tensorboard, run.folder)
            self._writer = Writer(str(run.tensorboard))

    def add(self, event: str, values: dict[str, float], step: int) -> None:
        if self._writer is not None:
            with self._switched_off_on_failure():
                for name, value in values.items():
                    self._writer.add_scalar(f"{event}/{name}", value, step)

    def close(self) -> None:
        if self._writer is not None:
            with self._switched_off_on_failure():
                self._writer.close()

    @contextmanager
    def _switched_off_on_failure(self) -> Iterator[None]:
        """Switch TensorBoard off after an error, which its thread may raise in any later call."""
        try:
            yield
        except (OSError, WriteError) as error:
            self._writer = None
            log.warning("nothing more is written for TensorBoard: %s", error)


def trim_metrics(path: Path, step: int, validated: int, *, root: Path | None = None) -> None:
    """Remove the events that a run wrote after the checkpoint from which it resumes.

    step, validated: the step of that checkpoint, and that of its last validation
    """
    if not path.is_file():
        return
    kept = []
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            event = json.loads(line)
            if event["step"] <= (validated if event["event"] == "validation" else step):
                kept.append(line + "\n")
        except (ValueError, TypeError, KeyError, RecursionError):
            break  # the end of the file, or a line cut short by a crash
    write_text(path, "".join(kept), root=root)


@contextmanager
def remembered() -> Iterator[list[logging.LogRecord]]:
    """Collect everything that is logged in the block, for a log file that does not exist yet."""
    handler = BufferingHandler(MANY)
    logger = logging.getLogger("nmt")
    logger.addHandler(handler)
    try:
        yield handler.buffer
    finally:
        logger.removeHandler(handler)


@contextmanager
def written_to(
    path: Path, early: Iterable[logging.LogRecord] = (), *, root: Path | None = None
) -> Iterator[None]:
    """Write the `early` records, and everything logged in the block, into a file as well."""
    with os_errors_as_write_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        refuse_links(path, root)
        handler = _LogFile(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(_Shareable("%(asctime)s %(levelname)s %(message)s"))
    for record in early:
        handler.handle(record)
    logger = logging.getLogger("nmt")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        with suppress(OSError):
            handler.close()


class _Shareable(logging.Formatter):
    """Removes the user's name and passwords, because people share runs."""

    def format(self, record: logging.LogRecord) -> str:
        return shareable(super().format(record))


class _LogFile(logging.FileHandler):
    """A log file that ignores write errors: a full disk is reported by the files that matter."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        return
