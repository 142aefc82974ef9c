"""A training that has diverged is reported and stopped; one that learns is left alone."""

import logging
import math
import random
from typing import Any

import pytest

from nmt.errors import TrainingError
from nmt.training.divergence import Divergence
from test_loop import Training
from test_trainer import PAIRS, Kind, Trainer, collated, trainer_of

WORDS = 8000
GUESS = math.log(WORDS)  # 8.99


def followed(losses: list[float], words: int = WORDS) -> Divergence:
    watch = Divergence(words)
    for step, loss in enumerate(losses, start=1):
        watch.updated(step, loss)
    return watch


def noisy(curve: list[float], noise: float = 0.5) -> list[float]:
    dice = random.Random(1)
    return [max(loss + dice.gauss(0, noise), 0.0) for loss in curve]


FALLING = [2 + 7.2 * math.exp(-step / 300) for step in range(2000)]
ORDINARY = {
    "falls": FALLING,
    "starts far above a guess": [60 * math.exp(-step / 50) + 2 for step in range(900)],
    "overshoots at first": [9.0, *(60.0,) * 4, *(20.0,) * 5, *FALLING],
    "has bad batches": [900.0 if step % 50 == 49 else loss for step, loss in enumerate(FALLING)],
    "learns nothing": [GUESS + 0.3] * 1500,
    "knows all by heart": [9 * math.exp(-step / 20) for step in range(2000)],
    "jumps up and comes back": [*FALLING, *(8.0,) * 20, *FALLING[1000:]],
}


@pytest.mark.parametrize("name", ORDINARY)
@pytest.mark.parametrize("noise", [0.0, 0.7])
def test_a_training_that_learns_is_left_alone(
    name: str, noise: float, caplog: pytest.LogCaptureFixture
) -> None:
    followed(noisy(ORDINARY[name], noise))
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("losses", "told", "over"),
    [
        ([GUESS, *(1e18,) * 40], 5, 20),
        ([GUESS, *(1e3 * GUESS,) * 40], 5, 20),
        ([GUESS, *(4 * GUESS,) * 200], 23, 108),
        ([*FALLING, *(1e6 * 1.1**step for step in range(60))], 2004, 2019),
    ],
)
def test_a_loss_far_above_guessing_is_reported_once_and_then_ends_the_training(
    losses: list[float], told: int, over: int, caplog: pytest.LogCaptureFixture
) -> None:
    watch, first_told, step = Divergence(WORDS), 0, 0

    def follow() -> None:
        nonlocal first_told, step
        for step, loss in enumerate(losses, start=1):
            watch.updated(step, loss)
            first_told = first_told or (step if caplog.messages else 0)

    with pytest.raises(TrainingError, match="the training has diverged: the loss is") as caught:
        follow()
    assert (first_told, step) == (told, over)
    [said] = caplog.messages
    assert said.startswith("the training seems to diverge: the loss is ")
    assert "where guessing any word costs 8.99" in said
    assert "training.learning_rate" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_loss_of_twice_guessing_is_reported_and_stops_nothing_soon(
    caplog: pytest.LogCaptureFixture,
) -> None:
    followed([2 * GUESS if step else GUESS for step in range(300)])
    assert len(caplog.messages) == 1


def test_a_collapse_to_the_unigram_loss_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """As with a Transformer without a warm-up: no worse than guessing, but nothing is learned."""
    followed(noisy([*FALLING, *(7.5,) * 300]))
    [said] = caplog.messages
    assert said.startswith("the loss has risen from 2.0")


def test_a_loss_that_means_something_else_may_rise(caplog: pytest.LogCaptureFixture) -> None:
    watch = Divergence(WORDS)
    for step, loss in enumerate([*FALLING, *(7.5,) * 300]):
        watch.updated(step, loss, steady=False)
    assert caplog.messages == []


@pytest.mark.parametrize("loss", [math.nan, math.inf, 1e18, 95.0])
def test_a_validation_of_a_diverged_model_ends_the_training(loss: float) -> None:
    with pytest.raises(TrainingError, match="in the validation the loss is"):
        followed(FALLING).validated(2000, loss)


@pytest.mark.parametrize("words", [5, 60, WORDS])
def test_an_overfitted_model_may_be_confident_and_wrong(words: int) -> None:
    followed([1.0, 0.1, 0.0], words).validated(3, 25.0)


# With a trainer


def train(trainer: Trainer, updates: int) -> None:
    for _ in range(updates):
        trainer.step([collated(PAIRS)])


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_an_absurd_learning_rate_is_noticed(
    optimizer: str, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = trainer_of(learning_rate=1e8, optimizer=optimizer)
    with pytest.raises(TrainingError, match="has diverged|the loss is|the gradient is"):
        train(trainer, 60)
    assert len(caplog.messages) == 1
    with pytest.raises(TrainingError, match="in the validation"):
        trainer.loss([collated(PAIRS)])


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"learning_rate": 0.05, "warmup_steps": 0},
        {"label_smoothing": 0.7},
        {"teacher_forcing": 0.0},
        {"teacher_forcing_schedule": "linear", "teacher_forcing_end": 0.0},
        {"coverage_loss": 50.0},
        {"kind": Kind(attention=(("selection", "reinforce"),))},
        {"kind": Kind("transformer", score="additive"), "dropout": 0.5},
    ],
    ids=str,
)
def test_toy_trainings_raise_no_alarm(
    config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        trainer = trainer_of(**config)
        train(trainer, 60)
        trainer.loss([collated([([9, 9], [12, 12]), ([4], [11])])])
    assert caplog.messages == []


def test_a_resumed_training_knows_where_it_began() -> None:
    first, second = trainer_of(), trainer_of()
    first.divergence.begin(50.0)
    first.step([collated(PAIRS)])
    second.restore(first.state(), steps=1, bad_validations=0)
    assert second.divergence.guess == 50.0
    usual, again = trainer_of(), trainer_of()
    usual.step([collated(PAIRS)])
    assert "guess" not in usual.state()
    again.restore(usual.state(), steps=1, bad_validations=0)
    assert again.divergence.guess == again.divergence.uniform


@pytest.mark.parametrize("best_by", ["bleu", "loss"])
def test_a_validation_without_a_loss_is_never_the_best(best_by: str) -> None:
    training = Training([3.0, math.nan, 9.0, 4.0], max_steps=4, validate_every=1, best_by=best_by)
    training.run()
    assert training.improved == [True, False, True, False]
    assert training.progress.best_step == 3
    nothing = Training([math.nan], max_steps=1, best_by=best_by)
    nothing.run()
    assert nothing.improved == [False]
    assert nothing.progress.best_score is None
