import logging
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from nmt.config import Config, DataConfig, TrainingConfig
from nmt.errors import ConfigError
from nmt.training.teacher_forcing_schedule import check, curves, draw, how_read, ratio
from nmt.workflows.train.resume import check_changes

NAMES = ["constant", "exponential", "inverse_sigmoid", "linear"]


def config(name: str = "linear", **rest: Any) -> TrainingConfig:
    return TrainingConfig(teacher_forcing_schedule=name, **rest)


def course(name: str, *, total: int, **rest: Any) -> list[float]:
    return [ratio(config(name, **rest), steps, total) for steps in range(total)]


# The curves


def test_these_are_the_schedules() -> None:
    assert list(curves) == NAMES


@pytest.mark.parametrize("name", NAMES[1:])
@pytest.mark.parametrize(("start", "end"), [(1.0, 0.0), (0.9, 0.35), (0.2, 0.7), (1.0, 0.1)])
def test_a_schedule_goes_from_its_start_in_the_first_update_to_its_end_in_the_last(
    name: str, start: float, end: float
) -> None:
    values = course(name, total=57, teacher_forcing=start, teacher_forcing_end=end)
    assert (values[0], values[-1]) == (start, end)  # exactly, so that 1 is the fast path
    assert values == sorted(values, reverse=start > end)
    assert len(set(values)) == 57
    again = config(name, teacher_forcing=start, teacher_forcing_end=end)
    assert ratio(again, 400, 57) == end  # a training that goes on for longer
    assert ratio(again, 0, 1) == start


def test_the_constant_ratio_stays() -> None:
    assert course("constant", total=9, teacher_forcing=0.3) == [0.3] * 9
    assert ratio(config("constant", teacher_forcing=0.3), 500, None) == 0.3


def test_linear_is_a_line() -> None:
    values = course("linear", total=11, teacher_forcing=0.9, teacher_forcing_end=0.4)
    assert values == pytest.approx([0.9 - 0.05 * i for i in range(11)])


def test_exponential_is_a_power_shifted_to_end_exactly() -> None:
    """k^i at update i: a hundredth would be left at the end."""
    k = 0.01 ** (1 / 100)
    wanted = [(k**i - 0.01) / 0.99 for i in range(101)]
    assert course("exponential", total=101) == pytest.approx(wanted)
    steps = [a / b for a, b in zip(wanted[:-1], wanted[1:], strict=False) if b]
    assert steps[0] > 1  # falls


def test_inverse_sigmoid_is_that_of_the_paper_stretched_to_its_ends() -> None:
    """k / (k + exp(i / unit)), with 100 for k, in units of which the whole has 2 log 100."""
    unit = 100 / (2 * math.log(100))
    papers = [100 / (100 + math.exp(i / unit)) for i in range(101)]
    wanted = [(value - papers[-1]) / (papers[0] - papers[-1]) for value in papers]
    found = course("inverse_sigmoid", total=101)
    assert found == pytest.approx(wanted)
    assert found[50] == pytest.approx(0.5)
    assert [a + b for a, b in zip(found, reversed(found), strict=True)] == pytest.approx([1] * 101)


def test_the_curves_differ_halfway() -> None:
    halves = {name: course(name, total=101)[50] for name in NAMES[1:]}
    assert halves == pytest.approx(
        {"exponential": 0.0909, "inverse_sigmoid": 0.5, "linear": 0.5}, abs=1e-4
    )
    quarters = {name: course(name, total=101)[25] for name in NAMES[1:]}
    assert quarters["exponential"] < quarters["linear"] < quarters["inverse_sigmoid"]


# What is drawn


def test_probabilities_of_one_and_zero_draw_nothing() -> None:
    before = torch.get_rng_state()
    assert draw(1.0, torch.zeros(3, 5), per="token") is None
    nothing = draw(0.0, torch.zeros(3, 5), per="token")
    assert nothing is not None
    assert not nothing.any()
    assert nothing.shape == (3, 5)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.8])
def test_the_share_is_drawn_for_each_token_or_for_whole_sentences(share: float) -> None:
    torch.manual_seed(2)
    each = draw(share, torch.zeros(400, 50), per="token")
    assert each is not None
    assert each.float().mean().item() == pytest.approx(share, abs=0.02)
    assert bool((each == each[:, :1]).all()) == (share == 0)
    whole = draw(share, torch.zeros(400, 50), per="sentence")
    assert whole is not None
    assert whole.shape == (400, 50)
    assert (whole == whole[:, :1]).all()
    assert whole[:, 0].float().mean().item() == pytest.approx(share, abs=0.06)


# What is refused, and what is said


def test_an_unknown_schedule_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown teacher-forcing schedule 'linaer'; did you m"):
        check(config("linaer"))


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_schedule_needs_an_end_of_the_training(name: str) -> None:
    check(config(name))
    check(config(name, epochs=None, max_steps=50))
    with pytest.raises(ConfigError) as caught:
        check(config(name, epochs=None, max_minutes=3))
    assert str(caught.value) == (
        f"'{name}' needs to know the end of the training: set training.epochs or training.max_steps"
    )


def test_an_end_without_a_schedule_is_refused() -> None:
    check(config("constant", epochs=None, max_minutes=3, teacher_forcing=0.5))
    with pytest.raises(ConfigError) as caught:
        check(config("constant", teacher_forcing_end=0.25))
    assert str(caught.value) == (
        "'constant' never reaches training.teacher_forcing_end, which is 0.25: leave that out, or "
        "use exponential, inverse_sigmoid, linear"
    )


@pytest.mark.parametrize(
    ("said", "settings"),
    [
        ("by hand", {}),
        ("the plain loop, with teacher forcing 0.5", {"teacher_forcing": 0.5}),
        (
            "by hand while all of it is forced, else by the plain loop, with teacher forcing "
            "from 1 to 0.25, linear",
            {"teacher_forcing_schedule": "linear", "teacher_forcing_end": 0.25},
        ),
        (
            "the plain loop, with teacher forcing from 0.75 to 0, exponential",
            {"teacher_forcing_schedule": "exponential", "teacher_forcing": 0.75},
        ),
    ],
)
def test_the_log_says_how_the_target_is_read(said: str, settings: dict[str, Any]) -> None:
    assert how_read(TrainingConfig(**settings), "by hand", "the plain loop") == said


def test_a_loop_that_reads_all_is_named_once() -> None:
    assert how_read(config(), "the plain loop", "the plain loop") == (
        "the plain loop, with teacher forcing from 1 to 0, linear"
    )


def test_extending_a_training_warns_that_its_schedule_moves(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before, now = (
        Config(name="x", data=DataConfig(corpus="phrasebook"), training=config(epochs=epochs))
        for epochs in (3, 4)
    )
    check_changes(before, now, Path("config.resolved.yaml"))
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert warnings == [
        "the teacher-forcing schedule 'linear' depends on the end of the training, which "
        "changed: the run continues, but to other weights than it would have reached"
    ]
