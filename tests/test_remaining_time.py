"""The estimate of a training's remaining time, against hand-computed numbers and a slow count."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nmt.checkpoint.run import Run
from nmt.config import TrainingConfig
from nmt.training.loop import Progress, Validation
from nmt.training.trainer import StepMetrics
from nmt.workflows.train import reporter as reporting
from nmt.workflows.train.remaining_time import (
    BLOCK_UPDATES,
    BLOCKS,
    ENOUGH,
    WARM_UP,
    RecentPace,
    RemainingTime,
)
from nmt.workflows.train.reporter import TrainingReporter

FIRST = WARM_UP + ENOUGH * BLOCK_UPDATES  # updates before the first estimate, if each takes 0.125 s


def pace_after(*stretches: tuple[int, float]) -> float | None:
    """stretches: (updates, seconds of each)"""
    pace = RecentPace()
    for updates, seconds in stretches:
        for _ in range(updates):
            pace.add(seconds)
    return pace.seconds_per_update


def test_the_first_updates_do_not_count() -> None:
    assert pace_after((WARM_UP, 60.0), (29, 0.25)) is None
    assert pace_after((WARM_UP, 60.0), (30, 0.25)) == pytest.approx(0.25)


def test_a_slow_stretch_shorter_than_half_of_the_window_changes_nothing() -> None:
    window = BLOCKS * BLOCK_UPDATES
    assert pace_after((WARM_UP + window, 0.5), (window // 2 - 10, 40.0)) == pytest.approx(0.5)


def test_after_a_window_at_another_speed_the_past_is_forgotten() -> None:
    window = BLOCKS * BLOCK_UPDATES
    assert pace_after((5000, 40.0), (window, 0.5)) == pytest.approx(0.5)


def test_short_and_long_batches_that_take_turns_are_averaged() -> None:
    pace = RecentPace()
    for update in range(WARM_UP + 3 * BLOCK_UPDATES):
        pace.add(3.0 if update % 5 == 0 else 0.5)
    assert pace.seconds_per_update == pytest.approx((3.0 + 4 * 0.5) / 5)


def test_quick_updates_are_watched_for_whole_seconds() -> None:
    assert pace_after((WARM_UP, 0.01), (299, 0.01)) is None
    assert pace_after((WARM_UP, 0.01), (310, 0.01)) == pytest.approx(0.01)


def to_come(
    updates: int, step: int, validated: int, every: int, checkpoint_every: int | None
) -> tuple[int, int]:
    """Validations and checkpoints from `step` on, as the training loop has them, step by step."""
    validations = checkpoints = 0
    for at in range(step, updates + 1):
        if at and at != validated and (at % every == 0 or at == updates):
            validations += 1
            checkpoints += 1
        elif checkpoint_every and at != step and at % checkpoint_every == 0:
            checkpoints += 1
    return validations, checkpoints


@pytest.mark.parametrize("updates", [47, 48, 60, 75])
@pytest.mark.parametrize("validate_every", [7, 12, 15, 100])
@pytest.mark.parametrize("checkpoint_every", [None, 4, 5, 12, 25])
def test_validations_and_checkpoints_to_come_are_those_of_the_loop(
    updates: int, validate_every: int, checkpoint_every: int | None
) -> None:
    config = TrainingConfig(validate_every=validate_every, checkpoint_every=checkpoint_every)
    remaining = RemainingTime(config, updates_per_epoch=9, updates=updates)
    for _ in range(FIRST):
        remaining.updated(0.125)
    remaining.validated(1000.0)
    remaining.saved(20.0)
    for step in range(1, updates + 1):
        last = (step - 1) // validate_every * validate_every
        done = step % validate_every == 0 or step == updates
        for validated in (last, step) if done else (last,):
            found = remaining.estimate(step, validated=validated)
            assert found is not None
            validations, saved = to_come(updates, step, validated, validate_every, checkpoint_every)
            assert found.updates == updates - step
            assert found.validations == validations
            assert found.seconds == pytest.approx(
                0.125 * (updates - step) + 1000 * validations + 20 * saved
            )


def test_one_slow_validation_among_three_changes_nothing() -> None:
    remaining = RemainingTime(TrainingConfig(), updates_per_epoch=50, updates=200)
    for _ in range(FIRST):
        remaining.updated(0.125)
    for seconds in (9.0, 500.0, 7.0):
        remaining.validated(seconds)
    found = remaining.estimate(150, validated=150)
    assert found is not None
    assert found.seconds == pytest.approx(50 * 0.125 + 1 * 9.0)


class FakeTraining:
    """A reporter whose clock moves only when something is done."""

    def __init__(
        self, reporter: TrainingReporter, progress: Progress, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.reporter, self.progress, self.now = reporter, progress, 1000.0
        monkeypatch.setattr(reporting, "monotonic", lambda: self.now)
        reporter._since = reporter._last_event = self.now

    def take(self, seconds: float) -> None:
        self.now += seconds
        self.progress.seconds += seconds

    def update(self, count: int, seconds: float) -> None:
        for _ in range(count):
            self.take(seconds)
            self.progress.step += 1
            metrics = StepMetrics(2.0, 1.0, 1e-3, target_tokens=40, source_tokens=30, sentences=5)
            self.reporter.updated(self.progress, metrics)

    def validate(self, seconds: float, saving: float) -> None:
        self.take(seconds)
        self.progress.validated = self.progress.step
        found = Validation(2.5, 31.0, 44.0, 0.8, 0.5, seconds)
        self.reporter.validated(self.progress, found, better=True)
        self.take(saving)
        self.reporter.saved()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level("INFO", logger="nmt")

    def times() -> list[str]:
        """What the log said of time, one entry a line."""
        lefts = [m.rpartition("left ")[2] if " | left " in m else m for m in caplog.messages]
        return [m for m in lefts if not m.startswith(("valid ", "step "))]

    return times


def reporter_in(folder: Path, *, max_minutes: float | None = None) -> TrainingReporter:
    config = TrainingConfig(tensorboard=False, samples=0, log_every=50, max_minutes=max_minutes)
    return TrainingReporter(Run(folder), config, updates_per_epoch=100, updates=400)


def test_a_training_that_starts_beside_an_installer_says_its_time_from_the_updates_after_it(
    tmp_path: Path, said: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with reporter_in(tmp_path) as reporter:
        training = FakeTraining(reporter, Progress(), monkeypatch)
        training.update(20, 30.0)  # ten are warm-up, ten are one slow block of three
        training.update(80, 0.5)
        training.validate(60.0, saving=4.0)
        training.update(50, 0.5)
    assert said() == [
        "about 3:00 for 360 updates, without 4 validations",  # 360 x 0.5 s
        "2:55",  # at step 50: 350 x 0.5 s
        "2:30",  # at step 100: 300 x 0.5 s, and validations of unknown length
        "5:17",  # at step 150: 250 x 0.5 s + 3 x 64 s
    ]


def test_a_resumed_training_knows_only_its_own_speed(
    tmp_path: Path, said: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with reporter_in(tmp_path) as reporter:
        before = Progress(step=210, seconds=90_000.0, validated=200, waiting=500.0)
        training = FakeTraining(reporter, before, monkeypatch)
        training.update(1, 45.0)
        training.update(39, 2.0)
    assert said() == ["about 5:00 for 150 updates, without 2 validations", "5:00"]


def test_the_budget_of_minutes_ends_a_training_earlier(
    tmp_path: Path, said: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with reporter_in(tmp_path, max_minutes=3.0) as reporter:
        FakeTraining(reporter, Progress(), monkeypatch).update(50, 2.0)
    assert said()[-1] == "1:20"  # 180 s - 50 x 2 s, not 350 x 2 s
