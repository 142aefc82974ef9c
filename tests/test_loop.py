"""The training loop, with a trainer that only counts."""

import signal
from dataclasses import replace
from typing import Any

import pytest

from nmt.config import TrainingConfig
from nmt.data.batching.batches import Batch
from nmt.data.batching.encoded import EncodedBitext
from nmt.data.batching.loader import BatchLoader, Position
from nmt.errors import TrainingError
from nmt.training.interrupts import Interrupted, Interrupts
from nmt.training.loop import Progress, TrainingLoop, Validation
from nmt.training.trainer import StepMetrics
from support.id_columns import id_column

SENTENCES, BUDGET = 23, 12


def bitext() -> EncodedBitext:
    column = id_column([range(4, 6 + n % 4) for n in range(SENTENCES)])
    return EncodedBitext(column, column)


class Training:
    """Records everything that a loop does."""

    def __init__(self, bleus: list[float] | None = None, **config: Any) -> None:
        self.config = TrainingConfig(**{"epochs": None, "patience": None, **config})
        self.loader = BatchLoader(bitext(), budget=BUDGET, seed=1)
        self.bleus = list(bleus or [])
        self.interrupts = Interrupts()
        self.progress = Progress()
        self.bad_validations = 0
        self.read: list[list[int]] = []  # the sentences of each update
        self.saved: list[Progress] = []
        self.validated_at: list[int] = []
        self.improved: list[bool] = []
        self.updates = 0
        self.told: list[tuple[int, float]] = []  # the step and the loss of each update
        self.behind = 0  # updates whose results are not known yet, as on a GPU
        self.unread: list[StepMetrics] = []
        self.stop_after: int | None = None

    # The trainer

    def update(self, batches: list[Batch]) -> None:
        self.read.append([int(n) for batch in batches for n in batch.sentences])
        if len(self.read) == self.stop_after:
            self.interrupts.number = signal.SIGTERM
        tokens = sum(batch.target_tokens for batch in batches)
        self.unread.append(StepMetrics(len(self.read), 1.0, 1.0, tokens, 7, 2))

    def results(self, *, wait: bool = False) -> list[StepMetrics]:
        left = 0 if wait else self.behind
        known, self.unread = self.unread[: -left or None], self.unread[-left:] if left else []
        return known

    # The observer

    def updated(self, progress: Progress, metrics: StepMetrics) -> None:
        self.updates += 1
        self.told.append((progress.step, metrics.loss))

    def validated(self, progress: Progress, validation: Validation, better: bool) -> None:
        self.improved.append(better)

    # What the loop calls

    def validate(self) -> Validation:
        self.validated_at.append(self.progress.step)
        bleu = self.bleus.pop(0) if self.bleus else 0.0
        return Validation(50 - bleu, bleu, 1.0, 0.5, 0.4, seconds=0.1)

    def save(self, progress: Progress) -> None:
        self.saved.append(replace(progress))

    def run(self) -> Progress:
        TrainingLoop(
            trainer=self,  # type: ignore[arg-type]  # it can do what the loop asks
            loader=self.loader,
            config=self.config,
            progress=self.progress,
            validate=self.validate,
            save=self.save,
            observer=self,
            interrupts=self.interrupts,
        ).run()
        return self.progress


def batches_an_epoch() -> int:
    return len(BatchLoader(bitext(), budget=BUDGET, seed=1))


def test_every_epoch_reads_each_sentence_once() -> None:
    training = Training(epochs=3)
    progress = training.run()
    count = batches_an_epoch()
    assert count > 4
    assert len(training.read) == progress.step == 3 * count
    for epoch in range(3):
        rows = training.read[epoch * count : (epoch + 1) * count]
        assert sorted(n for row in rows for n in row) == list(range(SENTENCES))
    assert (progress.epoch, progress.batch) == (3, 0)
    assert progress.ended == "3 epochs are done"
    lengths = training.loader.bitext.target.lengths + 1
    assert progress.target_tokens == 3 * lengths.sum()
    assert training.updates == 3 * count


def test_every_epoch_ends_in_a_validation_that_is_saved() -> None:
    training = Training(epochs=3)
    training.run()
    count = batches_an_epoch()
    assert training.validated_at == [count, 2 * count, 3 * count]
    assert [p.step for p in training.saved] == [count, 2 * count, 3 * count]
    assert training.saved[-1].ended == "3 epochs are done"


def test_the_last_update_of_an_epoch_may_be_smaller() -> None:
    count = batches_an_epoch()
    training = Training(epochs=2, accumulate=count - 1)
    progress = training.run()
    assert progress.step == 4
    assert sorted(training.read[0] + training.read[1]) == list(range(SENTENCES))
    assert len(training.read[0]) > len(training.read[1])


def test_a_training_stops_in_the_middle_of_an_epoch_when_told_and_validates() -> None:
    training = Training(max_steps=batches_an_epoch() + 2)
    progress = training.run()
    assert progress.step == batches_an_epoch() + 2
    assert progress.ended == f"{progress.step} steps are done"
    assert training.validated_at == [batches_an_epoch(), progress.step]
    assert training.saved[-1].step == progress.step


def test_validations_come_every_so_many_steps() -> None:
    training = Training(max_steps=10, validate_every=4)
    training.run()
    assert training.validated_at == [4, 8, 10]


def test_checkpoints_come_between_validations_too() -> None:
    training = Training(max_steps=9, validate_every=6, checkpoint_every=2)
    training.run()
    assert [p.step for p in training.saved] == [2, 4, 6, 8, 9]
    assert training.validated_at == [6, 9]
    training = Training(max_steps=8, validate_every=6, checkpoint_every=2)
    training.run()
    assert [p.step for p in training.saved] == [2, 4, 6, 8]  # the last one once, validated
    assert training.validated_at == [6, 8]


def test_the_time_limit_ends_a_training() -> None:
    training = Training(max_minutes=5)
    training.progress.seconds = 301.0
    progress = training.run()
    assert progress.ended == "5 minutes are over"
    assert progress.step == 0
    assert training.read == []


def test_time_goes_on_counting_where_it_stopped() -> None:
    training = Training(max_steps=3)
    training.progress.seconds = 1000.0
    assert 1000 <= training.run().seconds < 1060


def test_early_stopping_ends_a_training_and_the_best_is_remembered() -> None:
    training = Training([3, 7, 5, 6, 9], max_steps=99, validate_every=2, patience=2)
    progress = training.run()
    assert progress.ended == "early stopping: no BLEU improvement in 2 validations"
    assert training.validated_at == [2, 4, 6, 8]
    assert training.improved == [True, True, False, False]
    assert (progress.best_step, progress.best_score, progress.bad_validations) == (4, 7, 2)
    assert [p.best_step for p in training.saved] == [2, 4, 4, 4]


def test_a_better_score_resets_patience() -> None:
    training = Training([3, 1, 4, 2, 2, 9], max_steps=99, validate_every=1, patience=2)
    progress = training.run()
    assert training.validated_at == [1, 2, 3, 4, 5]
    assert (progress.best_step, progress.bad_validations) == (3, 3)
    assert training.bad_validations == 3  # the trainer is notified, for its schedule


def test_an_equal_score_is_no_better_one() -> None:
    training = Training([5, 5], max_steps=2, validate_every=1)
    assert training.run().best_step == 1


def test_the_best_may_be_chosen_by_the_loss() -> None:
    training = Training([30, 20, 40], max_steps=3, validate_every=1, best_by="loss")
    progress = training.run()
    assert progress.best_step == 3
    assert progress.best_score == pytest.approx(-10)


@pytest.mark.parametrize("after", [1, 3, 7, 12])
def test_an_interrupted_training_goes_on_where_it_stopped(after: int) -> None:
    rest = {"max_steps": 15, "validate_every": 4, "accumulate": 2}
    straight = Training([1, 2, 3, 4], **rest)
    straight.run()

    first = Training([1, 2, 3, 4], **rest)
    first.stop_after = after
    with pytest.raises(Interrupted) as caught:
        first.run()
    assert caught.value.number == signal.SIGTERM
    assert first.saved[-1].step == after
    assert first.saved[-1].ended is None

    second = Training(first.bleus, **rest)
    second.progress = Progress(**first.saved[-1].as_dict())
    second.run()
    assert first.read + second.read == straight.read
    validated = first.validated_at + second.validated_at
    assert validated == straight.validated_at
    for name in (
        "step",
        "epoch",
        "batch",
        "target_tokens",
        "best_step",
        "best_score",
        "bad_validations",
    ):
        assert getattr(second.progress, name) == getattr(straight.progress, name)


def test_a_signal_interrupts_a_validation_and_all_is_saved() -> None:
    training = Training(max_steps=9, validate_every=3)

    def validate() -> Validation:
        training.validated_at.append(training.progress.step)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the validation went on")

    training.validate = validate  # type: ignore[method-assign]
    with training.interrupts.watched(), pytest.raises(Interrupted) as caught:
        training.run()
    assert caught.value.number == signal.SIGINT
    assert [p.step for p in training.saved] == [3]
    assert training.saved[0].validated == 0  # so that it is repeated after resuming

    again = Training([8.0], max_steps=4, validate_every=3)
    again.progress = Progress(**training.saved[0].as_dict())
    progress = again.run()
    assert again.validated_at == [3, 4]
    assert progress.best_step == 3


def test_a_signal_during_an_update_lets_it_finish() -> None:
    training = Training(max_steps=9)
    update = training.update

    def interrupted(batches: list[Batch]) -> None:
        update(batches)
        if len(training.read) == 2:
            signal.raise_signal(signal.SIGTERM)

    training.update = interrupted  # type: ignore[method-assign]
    before = signal.getsignal(signal.SIGTERM)
    with training.interrupts.watched(), pytest.raises(Interrupted):
        training.run()
    assert [p.step for p in training.saved] == [2]
    assert training.progress.target_tokens > 0
    assert signal.getsignal(signal.SIGTERM) is before


class LateTraining(Training):
    """Results are known an update late, but before anything is saved or validated."""

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self.behind = 1
        self.refused = 0
        self.told_before: list[int] = []  # updates told of before each validation and save

    def results(self, *, wait: bool = False) -> list[StepMetrics]:
        known = super().results(wait=wait)
        if self.refused in [metrics.loss for metrics in known]:
            raise TrainingError("the loss is nan")
        return known

    def validate(self) -> Validation:
        self.told_before.append(len(self.told) - self.progress.step)
        return super().validate()

    def save(self, progress: Progress) -> None:
        self.told_before.append(len(self.told) - self.progress.step)
        super().save(progress)


def test_results_that_come_late_are_told_with_the_progress_of_their_own_update() -> None:
    usual = Training(max_steps=7, validate_every=3)
    late = LateTraining(max_steps=7, validate_every=3, checkpoint_every=2)
    begun: list[int] = []  # the updates that had begun when each was told of
    late.updated = lambda progress, metrics: (  # type: ignore[method-assign]
        begun.append(len(late.read)),
        late.told.append((progress.step, metrics.loss)),
    )
    usual.run()
    late.run()
    assert late.read == usual.read
    assert late.told == usual.told == [(step, step) for step in range(1, 8)]
    assert begun == [2, 2, 3, 4, 6, 6, 7]  # 2 and 4 were saved, 3, 6 and 7 validated
    assert late.told_before == [0] * 8


def test_a_signal_is_obeyed_after_the_last_result_was_told() -> None:
    training = LateTraining(max_steps=9)
    training.stop_after = 2
    with pytest.raises(Interrupted):
        training.run()
    assert training.told == [(1, 1), (2, 2)]
    assert [progress.step for progress in training.saved] == [2]


@pytest.mark.parametrize(("refused", "begun"), [(2, 2), (3, 4), (5, 5)])
def test_a_loss_that_is_refused_late_ends_a_training_before_it_is_saved(
    refused: int, begun: int
) -> None:
    training = LateTraining(max_steps=5, checkpoint_every=2, validate_every=9)
    training.refused = refused
    with pytest.raises(TrainingError, match="the loss is nan"):
        training.run()
    assert len(training.read) == begun
    assert training.told == [(step, step) for step in range(1, refused)]
    assert [progress.step for progress in training.saved] == [2, 4][: (refused - 1) // 2]


def test_a_finished_training_trains_no_further() -> None:
    training = Training([4], max_steps=3)
    training.run()
    again = Training(max_steps=3)
    again.progress = Progress(**training.saved[-1].as_dict())
    again.run()
    assert again.read == []
    assert again.validated_at == []


def test_a_finished_training_goes_on_when_given_more_steps() -> None:
    straight = Training(max_steps=8)
    straight.run()
    first = Training(max_steps=3)
    first.run()
    more = Training(max_steps=8)
    more.progress = Progress(**first.saved[-1].as_dict())
    assert more.run().ended == "8 steps are done"
    assert first.read + more.read == straight.read


def test_batches_are_taken_from_any_position_on() -> None:
    loader = BatchLoader(bitext(), budget=BUDGET, seed=1)
    whole = [b.sentences.tolist() for b in loader.take(Position(epoch=1), 99)]
    parts = [
        b.sentences.tolist()
        for position in range(0, len(whole), 2)
        for b in loader.take(Position(epoch=1, batch=position), 2)
    ]
    assert parts == whole
    assert whole != [b.sentences.tolist() for b in loader.take(Position(epoch=2), 99)]
